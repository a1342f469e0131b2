/** The largest n up to `enough` for which `fits` holds; it holds for all smaller ones. */
export function most(enough: number, fits: (n: number) => boolean): number {
  let [yes, no] = [0, enough + 1];
  while (no - yes > 1) {
    const middle = Math.floor((yes + no) / 2);
    if (fits(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}
