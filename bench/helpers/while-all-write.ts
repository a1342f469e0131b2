/**
 * The time in which all sequences of a batch write, from the last first token to the first last one, and how many tokens of
 * each fall into it.
 * @param sequences of each, when its tokens came: milliseconds of one clock, ascending
 */
export function whileAllWrite(sequences: readonly (readonly number[])[]): { milliseconds: number; tokens: number[] } {
  const start = Math.max(...sequences.map((times) => times[0]));
  const end = Math.min(...sequences.map((times) => times.at(-1) ?? NaN));
  const tokens = sequences.map((times) => times.filter((t) => t > start && t <= end).length);
  return { milliseconds: end - start, tokens };
}
