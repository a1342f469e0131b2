/** The last check before a request is accepted: what would break the engine or could never finish. */
import { EngineError } from '../../errors.ts';
import type { EngineRequestInit } from './engine-request.ts';
import type { EngineInfo, Pooling } from './types.ts';

/** @throws EngineError invalid_request, invalid_value, context_length_exceeded */
export function validateRequest({ promptIds, params, pooling }: EngineRequestInit, info: EngineInfo): void {
  const inVocabulary = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < info.vocabSize;
  if (promptIds.length === 0) throw new EngineError('invalid_request', 'The prompt is empty.', { param: 'prompt' });
  const outside = promptIds.find((id) => !inVocabulary(id));
  if (outside !== undefined) {
    throw new EngineError(
      'invalid_value',
      `Token id ${outside} is not in the vocabulary (0 … ${info.vocabSize - 1}).`,
      {
        param: 'prompt',
      },
    );
  }
  checkTask(pooling, info);
  if (!(params.maxTokens >= 1))
    throw new EngineError('invalid_value', 'max_tokens must be at least 1.', { param: 'max_tokens' });
  if (params.allowedTokenIds && !params.allowedTokenIds.some(inVocabulary)) {
    throw new EngineError('invalid_value', 'allowed_token_ids lists no token of the vocabulary.', {
      param: 'allowed_token_ids',
    });
  }
  const longest = Math.min(info.maxModelLen, info.maxTotalTokenNum);
  const wanted = promptIds.length + (pooling ? 0 : params.maxTokens === Infinity ? 1 : params.maxTokens);
  if (wanted > longest) {
    const output = params.maxTokens === Infinity ? '' : ` plus ${params.maxTokens} to generate`;
    throw new EngineError(
      'context_length_exceeded',
      `The longest context is ${longest} tokens; the prompt has ${promptIds.length}${output}.`,
      { param: 'max_tokens' },
    );
  }
}

function checkTask(pooling: Pooling | undefined, { isRewardModel }: EngineInfo): void {
  if (pooling === undefined && isRewardModel) {
    throw new EngineError('invalid_request', 'The model is a reward model: it has a score head and generates no text.');
  }
  if (pooling === 'score' && !isRewardModel) {
    throw new EngineError('invalid_request', 'The model has no score head: it is no reward model.');
  }
}
