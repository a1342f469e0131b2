/**
 * Changes to one row of logits before it is sampled. A processor looks at the request's parameters and tokens and writes
 * into the row; `-Infinity` forbids a token. They run in the order of `builtInProcessors`, custom ones behind them.
 */
import type { Request } from './request.ts';

/**
 * @param logits [V], changed in place
 * @param outputIndex position in the output of the token to be sampled
 */
export type LogitsProcessor = (logits: Float32Array, request: Request, outputIndex: number) => void;

/** Only these ids may come. */
export const allowedTokens: LogitsProcessor = (logits, { params }) => {
  if (!params.allowedTokenIds) return;
  const kept = params.allowedTokenIds.filter((id) => id < logits.length).map((id) => [id, logits[id]] as const);
  logits.fill(-Infinity);
  for (const [id, logit] of kept) logits[id] = logit;
};

/** Ids that would end the request are forbidden until it has `minTokens`. */
export function minTokens(eosTokenIds: readonly number[]): LogitsProcessor {
  return (logits, { params }, outputIndex) => {
    if (outputIndex >= params.minTokens) return;
    for (const id of [...(params.ignoreEos ? [] : eosTokenIds), ...params.stopTokenIds]) logits[id] = -Infinity;
  };
}

/** `logit + bias` for each listed id (OpenAI's logit_bias). */
export const logitBias: LogitsProcessor = (logits, { params }) => {
  for (const [id, bias] of params.logitBias ?? []) if (id < logits.length) logits[id] += bias;
};

/**
 * repetition_penalty r over prompt and output (CTRL, Keskar et al. 2019): positive logits are divided by r, negative ones
 * multiplied. presence p and frequency f over the output only (OpenAI): `logit - p - f · count`.
 */
export const penalties: LogitsProcessor = (logits, { params, tokenIds, promptLength }) => {
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = params;
  if (repetitionPenalty !== 1) {
    for (const id of new Set(tokenIds)) {
      logits[id] = logits[id] > 0 ? logits[id] / repetitionPenalty : logits[id] * repetitionPenalty;
    }
  }
  if (presencePenalty === 0 && frequencyPenalty === 0) return;
  const counts = new Map<number, number>();
  for (let i = promptLength; i < tokenIds.length; i++) counts.set(tokenIds[i], (counts.get(tokenIds[i]) ?? 0) + 1);
  for (const [id, count] of counts) logits[id] -= presencePenalty + frequencyPenalty * count;
};

/** vLLM's order: what is allowed, then biases, then penalties; temperature and truncation follow in host-sampling.ts. */
export function builtInProcessors(eosTokenIds: readonly number[]): LogitsProcessor[] {
  return [allowedTokens, minTokens(eosTokenIds), logitBias, penalties];
}
