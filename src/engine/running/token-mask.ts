/** Which tokens may come next, of everything that can forbid one: a bit a token, token i in bit i%32 of word i/32. */
import type { SamplingRow } from '../../kernels/ops.ts';
import type { SamplingParams } from '../core/types.ts';

export interface SamplingLimits {
  readonly vocabSize: number;
  readonly eosTokenIds: readonly number[];
}

/**
 * allowed_token_ids, ids that would end the request before min_tokens, biases of -Infinity, and the grammar. If these leave
 * nothing of what the grammar allows, the grammar wins and its tokens are equally likely.
 * @param grammar words behind its end forbid
 */
export function tokenMask(
  params: SamplingParams,
  outputIndex: number,
  grammar: Uint32Array | null,
  { vocabSize, eosTokenIds }: SamplingLimits,
): Pick<SamplingRow, 'mask' | 'ignoresLogits'> {
  const banned = bannedIds(params, outputIndex, eosTokenIds);
  if (grammar === null && params.allowedTokenIds === null && banned.length === 0) {
    return { mask: null, ignoresLogits: false };
  }
  const mask = grammar === null ? fullMask(vocabSize) : wholeMask(grammar, vocabSize);
  if (params.allowedTokenIds) keepOnly(mask, params.allowedTokenIds);
  for (const id of banned) mask[id >>> 5] &= ~(1 << (id & 31));
  if (grammar !== null && mask.every((word) => word === 0)) {
    return { mask: wholeMask(grammar, vocabSize), ignoresLogits: true };
  }
  return { mask, ignoresLogits: false };
}

function bannedIds(params: SamplingParams, outputIndex: number, eosTokenIds: readonly number[]): number[] {
  const ids = [...(params.logitBias ?? [])].flatMap(([id, bias]) => (bias === -Infinity ? [id] : []));
  if (outputIndex >= params.minTokens) return ids;
  return ids.concat(params.ignoreEos ? [] : eosTokenIds, params.stopTokenIds);
}

function fullMask(vocabSize: number): Uint32Array {
  return new Uint32Array(Math.ceil(vocabSize / 32)).fill(0xffff_ffff);
}

/** A copy as long as the logits are: a model may have more of them than its tokenizer has tokens. */
function wholeMask(grammar: Uint32Array, vocabSize: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(vocabSize / 32));
  mask.set(grammar.subarray(0, mask.length));
  return mask;
}

function keepOnly(mask: Uint32Array, ids: readonly number[]): void {
  const kept = new Uint32Array(mask.length);
  for (const id of ids) kept[id >>> 5] |= mask[id >>> 5] & (1 << (id & 31));
  mask.set(kept);
}
