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
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (stop.startsWith(text.slice(text.length - length))) {
        longest = length;
        break;
      }
    }
  }
  return longest;
}
