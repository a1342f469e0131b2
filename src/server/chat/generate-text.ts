/** One choice: prompt ids → a stream of text with its tokens. */
import { EngineError } from '../../errors.ts';
import { GeneratedText, hasNews, type TextOutput } from '../../text/answer/generated-text.ts';
import type { ServerContext } from '../http/context.ts';
import { follow } from '../http/request-signal.ts';
import type { GenerationRequest } from './generation-request.ts';

export interface ChoiceOutput extends TextOutput {
  /** Which of the merged choices this is. */
  readonly index: number;
}

/** What a client that reads slowly or not at all may make the server keep of its answer (about 2 MB with logprobs). */
const MAX_UNREAD = 32_768;

export async function* generateText(
  ctx: ServerContext,
  request: GenerationRequest,
  index: number,
): AsyncGenerator<ChoiceOutput, void, undefined> {
  const { params, requestId } = request;
  const aborter = ctx.requests.add(requestId);
  const unfollow = follow(request.signal, aborter);
  const generated = new GeneratedText(ctx.tokenizer, request, params);
  const observer = ctx.metrics.request(request.promptIds.length, params);
  const { queueTimeout } = ctx.settings;
  const deadline = queueTimeout === null ? {} : { deadline: Date.now() + queueTimeout * 1000 };
  const { onAccepted = () => undefined, isWhole = () => false, adapter } = request;
  const options = { requestId, adapter, signal: aborter.signal, maxUnread: MAX_UNREAD, onAccepted, ...deadline };
  try {
    for await (const output of ctx.engine.generate(request.promptIds, params, options)) {
      const piece = generated.push(output);
      const { finishReason } = piece;
      observer.output(output.tokenIds.length, piece.usage, finishReason);
      if (finishReason === 'abort' && request.signal.aborted) throw new EngineError('aborted', 'The client went away.');
      if (hasNews(piece)) yield { index, ...piece };
      if (finishReason !== null) return;
      if (isWhole()) {
        observer.output(0, piece.usage, 'stop');
        return yield { index, ...endOf(piece) };
      }
    }
    throw new EngineError('internal_error', 'The engine ended the request without a finish reason.');
  } finally {
    observer.end();
    unfollow();
    ctx.requests.remove(requestId);
  }
}

/** What follows `piece` where the text ends behind it. */
function endOf({ usage }: TextOutput): TextOutput {
  return { text: '', tokens: [], stopToken: null, promptLogprobs: null, finishReason: 'stop', stopReason: null, usage };
}
