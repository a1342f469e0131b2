/** A choice of which no text is wanted. */
import type { ServerContext } from '../http/context.ts';
import { type ChoiceOutput, generateText } from './generate-text.ts';
import type { GenerationRequest } from './generation-request.ts';

/** Logprobs of the prompt take a request of one token, which is thrown away; without them the engine is not asked. */
export async function* promptOnly(
  ctx: ServerContext,
  request: GenerationRequest,
  index: number,
): AsyncGenerator<ChoiceOutput, void, undefined> {
  const { params, promptIds } = request;
  let promptLogprobs: ChoiceOutput['promptLogprobs'] = null;
  let finishReason: ChoiceOutput['finishReason'] = 'length';
  if (params.promptLogprobs !== null) {
    for await (const output of generateText(ctx, { ...request, params: { ...params, maxTokens: 1 } }, index)) {
      promptLogprobs ??= output.promptLogprobs;
      if (output.finishReason === 'abort') finishReason = 'abort';
    }
  }
  const usage = { promptTokens: promptIds.length, completionTokens: 0, cachedTokens: 0 };
  const nothing = { text: '', tokens: [], stopToken: null, stopReason: null };
  yield { index, ...nothing, promptLogprobs, finishReason, usage };
}
