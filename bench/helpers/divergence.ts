/** Perplexity of a path and its Kullback–Leibler divergence from the reference path, token by token. */

/** logits [count, V] → log softmax, in place; returns its argument. */
export function logProbabilities(logits: Float32Array, vocabulary: number): Float32Array {
  for (let base = 0; base < logits.length; base += vocabulary) {
    let max = -Infinity;
    for (let i = 0; i < vocabulary; i++) max = Math.max(max, logits[base + i]);
    let sum = 0;
    for (let i = 0; i < vocabulary; i++) sum += Math.exp(logits[base + i] - max);
    const shift = max + Math.log(sum);
    for (let i = 0; i < vocabulary; i++) logits[base + i] -= shift;
  }
  return logits;
}

export class Divergence {
  readonly #ids: readonly number[];
  #nll = 0;
  #predicted = 0;
  #kl = 0;
  #same = 0;
  #positions = 0;

  constructor(ids: readonly number[]) {
    this.#ids = ids;
  }

  /** p, q: log probabilities [end - start, V] of reference and candidate after tokens start … end - 1. */
  add(p: Float32Array, q: Float32Array, start: number, end: number, window: number): void {
    const vocabulary = p.length / (end - start);
    for (let t = start; t < end; t++) {
      const base = (t - start) * vocabulary;
      let kl = 0;
      let topP = 0;
      let topQ = 0;
      for (let i = 0; i < vocabulary; i++) {
        const logP = p[base + i];
        kl += Math.exp(logP) * (logP - q[base + i]);
        if (logP > p[base + topP]) topP = i;
        if (q[base + i] > q[base + topQ]) topQ = i;
      }
      this.#kl += kl;
      this.#same += topP === topQ ? 1 : 0;
      this.#positions++;
      // The last token of a window predicts nothing: the next window starts afresh.
      if ((t + 1) % window !== 0 && t + 1 < this.#ids.length) {
        this.#nll -= q[base + this.#ids[t + 1]];
        this.#predicted++;
      }
    }
  }

  get perplexity(): number {
    return Math.exp(this.#nll / this.#predicted);
  }
  get meanKl(): number {
    return this.#kl / this.#positions;
  }
  get sameTop(): number {
    return this.#same / this.#positions;
  }
}
