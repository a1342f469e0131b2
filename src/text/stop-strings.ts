/** Stop strings over growing text: where the first one is, and how much of the end may still become one. */

interface StopMatch {
  readonly index: number;
  readonly stop: string;
}

/** The earliest occurrence of any stop string; among those that start together the longest. */
export function findStop(text: string, stops: readonly string[]): StopMatch | null {
  let best: StopMatch | null = null;
  for (const stop of stops) {
    const index = text.indexOf(stop);
    if (index < 0) continue;
    const better = best === null || index < best.index || (index === best.index && stop.length > best.stop.length);
    if (better) best = { index, stop };
  }
  return best;
}

/** Length of the longest end of `text` that begins a stop string: these characters may not be shown yet. */
export function heldBackLength(text: string, stops: readonly string[]): number {
  return stops.reduce((longest, stop) => Math.max(longest, beginningAtEnd(text, stop)), 0);
}

/** The same for one stop string; in time that grows with the lengths alone, since both may be long. */
function beginningAtEnd(text: string, stop: string): number {
  const most = Math.min(stop.length - 1, text.length);
  const end = text.slice(text.length - most);
  if (stop.startsWith(end)) return most;
  const shorter = beginningsAtEnds(stop.slice(0, most));
  let length = 0;
  for (let i = 0; i < most; i++) length = goOn(stop, shorter, length, end.charCodeAt(i));
  return length;
}

/** For each beginning of `text`: the longest shorter one that it ends with. The prefix function of Knuth, Morris and Pratt, 1977. */
function beginningsAtEnds(text: string): Uint32Array {
  const lengths = new Uint32Array(text.length);
  for (let i = 1; i < text.length; i++) lengths[i] = goOn(text, lengths, lengths[i - 1], text.charCodeAt(i));
  return lengths;
}

/** Where `length` units of `text` were seen last: as many as were seen behind one more. */
function goOn(text: string, shorter: Uint32Array, length: number, unit: number): number {
  while (length > 0 && text.charCodeAt(length) !== unit) length = shorter[length - 1];
  return text.charCodeAt(length) === unit ? length + 1 : 0;
}
