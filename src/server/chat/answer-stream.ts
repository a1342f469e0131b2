/** One chat answer as events, for the APIs that are other spellings of chat completions. */
import { type ChatRun, prepareChat } from './chat-run.ts';
import type { AnswerDelta, AnswerFinishReason } from '../../text/answer/answer-parser.ts';
import type { ServerContext } from '../http/context.ts';
import type { ChoiceOutput } from './generate-text.ts';
import { startChoices } from './start-choices.ts';
import { ContentLogprobs } from './content-logprobs.ts';
import { chatLogprobs } from './logprobs.ts';
import { type ChatLogprobs, type ChatRequest, chatRequestSchema } from '../apis/chat-completions/schema.ts';
import { validate } from '../http/validate.ts';
import type { Usage } from '../../engine/core/types.ts';

export interface AnswerEvent {
  readonly delta: AnswerDelta;
  /** Set on the last event only. */
  readonly finishReason: AnswerFinishReason | null;
  readonly stopReason: string | number | null;
  readonly usage: Usage;
  readonly reasoningTokens: number;
  /** Of the tokens of `delta.content`; empty when the request asked for none. */
  readonly logprobs: ChatLogprobs['content'];
}

/** A chat request as another protocol gives it: what it does not know is left out. */
export type ChatBody = Partial<ChatRequest> & Pick<ChatRequest, 'messages'>;

export interface AnswerStream {
  readonly promptTokens: number;
  readonly events: AsyncGenerator<AnswerEvent, void, undefined>;
}

/** `body` is a chat request that the caller built from its own protocol; what it copies may still be refused here. */
export async function streamAnswer(
  ctx: ServerContext,
  body: ChatBody,
  id: string,
  signal: AbortSignal,
): Promise<AnswerStream> {
  const run = await prepareChat(ctx, validate(chatRequestSchema, body), id, signal);
  return {
    promptTokens: run.requests[0].promptIds.length,
    events: answerEvents(ctx, run, await startChoices(ctx, run.requests)),
  };
}

async function* answerEvents(
  ctx: ServerContext,
  run: ChatRun,
  outputs: AsyncGenerator<ChoiceOutput, void, undefined>,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const [parser] = run.parsers;
  const contentLogprobs = new ContentLogprobs();
  for await (const output of outputs) {
    const delta = parser.push(output);
    const finishReason = output.finishReason === null ? null : parser.finishReason(output.finishReason);
    const { stopReason, usage } = output;
    const logprobs = run.logprobs
      ? contentLogprobs.push(chatLogprobs(ctx.tokenizer, output.tokens).content, delta)
      : [];
    yield { delta, finishReason, stopReason, usage, reasoningTokens: parser.reasoningTokens, logprobs };
  }
}

/** Spells answer events in one protocol's events. */
interface EventBuilder<Event> {
  start(): Iterable<Event>;
  push(event: AnswerEvent): Iterable<Event>;
}

/** The text of a whole event stream; what one answer event gives goes out together. */
export async function* streamFrames<Event>(
  builder: EventBuilder<Event>,
  events: AsyncGenerator<AnswerEvent, void, undefined>,
  frame: (event: Event) => string,
): AsyncGenerator<string, void, undefined> {
  yield [...builder.start()].map(frame).join('');
  for await (const event of events) {
    const text = [...builder.push(event)].map(frame).join('');
    if (text !== '') yield text;
  }
}

/** Runs the builder to the end; its result is then whole. */
export async function drain(builder: EventBuilder<unknown>, events: AsyncIterable<AnswerEvent>): Promise<void> {
  for await (const event of events) for (const _ of builder.push(event));
}
