/**
 * The most slots that a batch will ever hold at once, if each request grows by one token a step and leaves when it has
 * no tokens remaining: the peak is reached just before some request leaves, so it is enough to look at those moments.
 * With requests in order of decreasing remaining length, when the i-th leaves the first i are still there and have all
 * grown as much as it has: `M_i = Σ_{j≤i} held_j + i · remaining_i`, `M* = max M_i`.
 *
 * Source: Past-Future Scheduler for LLM Serving under SLA Guarantees (ASPLOS 2025), §3.
 */
export function peakSlots(held: readonly number[], remaining: readonly number[]): number {
  const order = held.map((_, i) => i).sort((a, b) => remaining[b] - remaining[a]);
  let sum = 0;
  let peak = 0;
  order.forEach((index, i) => {
    sum += held[index];
    peak = Math.max(peak, sum + (i + 1) * remaining[index]);
  });
  return peak;
}
