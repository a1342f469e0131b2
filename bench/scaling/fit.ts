/** A straight line through measured times. */

export interface Line {
  /** Of a step that does nothing of what is counted. */
  readonly fixedMs: number;
  /** For each unit that is counted. */
  readonly msPerUnit: number;
  /** Largest distance of a measured time from the line, relative to the line. */
  readonly worst: number;
}

/** Least squares of relative errors: each point weighs as much as another, however long it took. */
export function fitLine(points: readonly { readonly counted: number; readonly ms: number }[]): Line {
  const sum = (of: (point: (typeof points)[number]) => number): number =>
    points.reduce((all, each) => all + of(each), 0);
  const w = ({ ms }: { readonly ms: number }): number => 1 / ms ** 2;
  const [s0, s1, s2] = [0, 1, 2].map((power) => sum((each) => w(each) * each.counted ** power));
  const [t0, t1] = [0, 1].map((power) => sum((each) => w(each) * each.ms * each.counted ** power));
  const determinant = s0 * s2 - s1 * s1;
  // One place only: nothing is known of how it grows.
  const msPerUnit = determinant > 1e-12 * s0 * s2 ? (s0 * t1 - s1 * t0) / determinant : 0;
  const fixedMs = (t0 - msPerUnit * s1) / s0;
  const distance = ({ counted, ms }: (typeof points)[number]): number => {
    const there = fixedMs + msPerUnit * counted;
    return Math.abs(ms - there) / there;
  };
  return { fixedMs, msPerUnit, worst: Math.max(...points.map(distance)) };
}
