/**
 * How many tokens of prompts a step computes beside answers that are being written. Budgets in tokens say little about
 * time: on two cores under lavapipe 256 tokens take thirty times as long as a token of each answer. So steps are timed, and
 * prompts get what decoding leaves of the time (Sarathi-Serve, Agrawal et al. 2024, picks its budget likewise).
 */

/** Milliseconds that a step may take whatever its decoding takes: on a GPU no step is as long. */
const SHORT = 100;
/** Fewer would compute prompts at the price of decoding them. */
const LEAST = 16;
/** Tokens of a step beside which its fixed cost counts little. */
const MANY = 64;
/** What a step leaves of what was known before it: kernels that are compiled make one step long, and the next ones not. */
const KEPT = 0.5;

export class StepPacer {
  readonly #share: number;
  /** Milliseconds of a step that only decodes, which is also what a step costs whatever it computes; 0: not known. */
  #decode = 0;
  /** Tokens of prompts lately, and the milliseconds that they added to their steps. */
  #prefill = { tokens: 0, milliseconds: 0 };

  /** @param share of a step's time that is kept for decoding; 0: prompts take what they want */
  constructor(share: number) {
    this.#share = share;
  }

  /** Books a step that is done. */
  observe(prefillTokens: number, decodeTokens: number, milliseconds: number): void {
    if (prefillTokens > 0) this.#observePrefill(prefillTokens, milliseconds);
    else if (decodeTokens > 0)
      this.#decode = this.#decode === 0 ? milliseconds : KEPT * this.#decode + (1 - KEPT) * milliseconds;
  }

  /** Tokens of prompts that the next step may compute if answers are written in it. */
  get prefillTokens(): number {
    const { tokens, milliseconds } = this.#prefill;
    if (this.#share === 0 || milliseconds === 0) return Infinity;
    const left = Math.max(SHORT, this.#decode / this.#share) - this.#decode;
    return Math.max(LEAST, Math.floor((left * tokens) / milliseconds));
  }

  #observePrefill(tokens: number, milliseconds: number): void {
    if (this.#decode === 0 && tokens < MANY) return;
    const added = Math.max(0, milliseconds - this.#decode);
    const known = this.#prefill;
    this.#prefill = { tokens: KEPT * known.tokens + tokens, milliseconds: KEPT * known.milliseconds + added };
  }
}
