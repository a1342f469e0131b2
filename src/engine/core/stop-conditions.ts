/** When a request is done, judged after each token. Stop strings are the server's business: the engine sees no text. */
import type { EngineRequest } from './engine-request.ts';
import type { FinishReason } from './types.ts';

/** Why the request ends with its last token, or null; notes the stop token in the request. */
export function finishReason(request: EngineRequest, eosTokenIds: readonly number[]): FinishReason | null {
  const { params, tokenIds, numOutputTokens } = request;
  if (request.error) return 'error';
  const last = tokenIds[tokenIds.length - 1];
  const isEos = eosTokenIds.includes(last);
  const stops = params.stopTokenIds.includes(last) || (!params.ignoreEos && isEos);
  // A grammar allows eos at its end only, and nothing may follow.
  if ((stops && numOutputTokens >= params.minTokens) || (isEos && request.constraint)) {
    request.stopTokenId = last;
    return 'stop';
  }
  return numOutputTokens >= request.maxNewTokens ? 'length' : null;
}
