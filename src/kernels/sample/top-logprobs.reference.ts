/** Log-probabilities of the sampled token and of the likeliest ones. Sums are f64. */

export interface TopLogprobs {
  readonly logprob: number;
  /** Highest first. */
  readonly top: readonly { readonly id: number; readonly logprob: number }[];
}

/**
 * @param logits [V], as the model gave them
 * @param count how many of the likeliest tokens to list, highest first, lower ids first among equals
 */
export function topLogprobsReference(logits: Float32Array, sampled: number, count: number): TopLogprobs {
  let max = -Infinity;
  for (const logit of logits) max = Math.max(max, logit);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - max);
  const logSum = max + Math.log(total);

  // Insertion into a short descending list: `count` is at most a few dozen, and most tokens fail the first comparison.
  const top: number[] = [];
  for (let id = 0; id < logits.length && count > 0; id++) {
    if (top.length === count && logits[id] <= logits[top[count - 1]]) continue;
    let at = top.length;
    while (at > 0 && logits[top[at - 1]] < logits[id]) at--;
    top.splice(at, 0, id);
    if (top.length > count) top.pop();
  }
  return {
    logprob: logits[sampled] - logSum,
    top: top.map((id) => ({ id, logprob: logits[id] - logSum })),
  };
}
