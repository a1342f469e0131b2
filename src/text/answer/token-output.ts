/**
 * Generated tokens as they come: what this folder needs to know of them. The engine's outputs are such by their shape;
 * text/ imports nothing of it.
 */

export interface TokenLogprobs {
  readonly logprob: number;
  /** Highest first. */
  readonly top: readonly { readonly id: number; readonly logprob: number }[];
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens that were known from other requests and not computed again. */
  readonly cachedTokens: number;
}

/** One step's news of one generation. */
export interface TokenOutput {
  /** New since the last output, in order; a token that ended the generation is the last of them. */
  readonly tokenIds: readonly number[];
  /** Parallel to tokenIds, or null when none were asked for. */
  readonly logprobs: readonly TokenLogprobs[] | null;
  /** One for each token of the prompt (null for the first), on one output, or null. */
  readonly promptLogprobs: readonly (TokenLogprobs | null)[] | null;
  /** Set on the last output only. */
  readonly finishReason: TextFinishReason | 'error' | null;
  /** The token that ended the generation, if one did. */
  readonly stopTokenId: number | null;
  readonly usage: TokenUsage;
}

export type TextFinishReason = 'stop' | 'length' | 'abort';
