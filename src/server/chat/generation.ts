/** One choice: prompt ids → a stream of text with its tokens, ended by a stop string, a stop token or the length. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError } from '../../errors.ts';
import type { RequestOutput, SamplingParams, TokenLogprobs, Usage } from '../../engine/core/types.ts';
import { createIncrementalDecoder } from '../../text/incremental-decoder.ts';
import type { ServerContext } from '../http/context.ts';
import { follow } from '../http/request-signal.ts';
import { TextAssembler, type TextPiece, type TextToken } from './text-assembler.ts';

export interface GenerationRequest {
  readonly requestId: string;
  readonly promptIds: readonly number[];
  readonly params: SamplingParams;
  readonly stops: readonly string[];
  readonly includeStop: boolean;
  readonly skipSpecialTokens: boolean;
  readonly signal: AbortSignal;
  /** See GenerateOptions. */
  readonly onAccepted?: () => void;
}

export type TextFinishReason = 'stop' | 'length' | 'abort';

export interface TextOutput {
  /** Which of the merged choices this is. */
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly TextToken[];
  /** The token that ended the text, when it is not part of it. */
  readonly stopToken: TextToken | null;
  /** One for each token of the prompt (null for the first), on one output, when `params.promptLogprobs` asks for them. */
  readonly promptLogprobs: readonly (TokenLogprobs | null)[] | null;
  /** Set on the last output only. */
  readonly finishReason: TextFinishReason | null;
  /** The stop string or the caller's stop token id that ended the text; null at the model's own end. */
  readonly stopReason: string | number | null;
  readonly usage: Usage;
}

/** What a client that reads slowly or not at all may make the server keep of its answer (about 2 MB with logprobs). */
const MAX_UNREAD = 32_768;

export async function* generateText(
  ctx: ServerContext,
  request: GenerationRequest,
  index = 0,
): AsyncGenerator<TextOutput, void, undefined> {
  const { params, requestId, stops, includeStop } = request;
  if (params.maxTokens === 0) return yield await onlyPrompt(ctx, request, index);
  const aborter = ctx.requests.add(requestId);
  const unfollow = follow(request.signal, aborter);
  const assembler = new TextAssembler(createIncrementalDecoder(ctx.tokenizer, request), {
    stops,
    includeStop,
    minTokens: params.minTokens,
  });
  const observer = ctx.metrics.request(request.promptIds.length, params);
  const { queueTimeout } = ctx.settings;
  const deadline = queueTimeout === null ? {} : { deadline: Date.now() + queueTimeout * 1000 };
  const { onAccepted = () => undefined } = request;
  const options = { requestId, signal: aborter.signal, maxUnread: MAX_UNREAD, onAccepted, ...deadline };
  try {
    for await (const output of ctx.engine.generate(request.promptIds, params, options)) {
      if (output.finishReason === 'error')
        throw new EngineError('internal_error', 'The engine failed on this request.');
      const { text, tokens } = consume(output, assembler, includeStop);
      const finishReason = assembler.matched === null ? output.finishReason : 'stop';
      const usage = { ...output.usage, completionTokens: countTokens(output, assembler) };
      observer.output(output.tokenIds.length, usage, finishReason);
      if (finishReason === 'abort' && request.signal.aborted) throw new EngineError('aborted', 'The client went away.');
      const stopReason = assembler.matched ?? params.stopTokenIds.find((id) => id === output.stopTokenId) ?? null;
      const { promptLogprobs } = output;
      if (text !== '' || tokens.length > 0 || finishReason !== null || promptLogprobs !== null) {
        const stopToken = hiddenStop(output, request);
        yield { index, text, tokens, promptLogprobs, stopToken, finishReason, stopReason, usage };
      }
      if (finishReason !== null) return;
    }
    throw new EngineError('internal_error', 'The engine ended the request without a finish reason.');
  } finally {
    observer.end();
    unfollow();
    ctx.requests.remove(requestId);
  }
}

/** No text is wanted. Logprobs of the prompt take a request of one token, which is thrown away. */
async function onlyPrompt(ctx: ServerContext, request: GenerationRequest, index: number): Promise<TextOutput> {
  const { params, promptIds } = request;
  let promptLogprobs: TextOutput['promptLogprobs'] = null;
  let finishReason: TextFinishReason = 'length';
  if (params.promptLogprobs !== null) {
    for await (const output of generateText(ctx, { ...request, params: { ...params, maxTokens: 1 } }, index)) {
      promptLogprobs ??= output.promptLogprobs;
      if (output.finishReason === 'abort') finishReason = 'abort';
    }
  }
  const usage = { promptTokens: promptIds.length, completionTokens: 0, cachedTokens: 0 };
  const nothing = { text: '', tokens: [], stopToken: null, stopReason: null };
  return { index, ...nothing, promptLogprobs, finishReason, usage };
}

/** Feeds one engine output to the assembler, up to a matched stop string. The stop token itself is text only on request. */
function consume(output: RequestOutput, assembler: TextAssembler, includeStop: boolean): TextPiece {
  const pieces: TextPiece[] = [];
  const hidden = output.stopTokenId !== null && !includeStop ? output.tokenIds.length - 1 : output.tokenIds.length;
  for (let i = 0; i < hidden && assembler.matched === null; i++) {
    pieces.push(assembler.push(output.tokenIds[i], output.logprobs?.[i] ?? null));
  }
  if (output.finishReason !== null) pieces.push(assembler.end());
  return { text: pieces.map((p) => p.text).join(''), tokens: pieces.flatMap((p) => p.tokens) };
}

function hiddenStop(output: RequestOutput, { includeStop }: GenerationRequest): TextToken | null {
  if (output.stopTokenId === null || includeStop) return null;
  return { id: output.stopTokenId, text: '', offset: 0, logprobs: output.logprobs?.at(-1) ?? null };
}

/** Tokens behind a stop string were generated in vain: they are not the caller's. */
function countTokens(output: RequestOutput, assembler: TextAssembler): number {
  return assembler.matched === null ? output.usage.completionTokens : assembler.numTokens;
}

/** Runs several choices at once; outputs come in the order in which they are made. One failure ends all. */
export async function* generateChoices(
  ctx: ServerContext,
  requests: readonly GenerationRequest[],
): AsyncGenerator<TextOutput, void, undefined> {
  if (requests.length === 1) return yield* generateText(ctx, requests[0]);
  const stop = new AbortController();
  // The choices of one answer have one client.
  const unfollow = follow(requests[0].signal, stop);
  const sources = requests.map((request, index) => generateText(ctx, { ...request, signal: stop.signal }, index));
  try {
    yield* merge(sources);
  } finally {
    unfollow();
    stop.abort();
    await Promise.allSettled(sources.map((s) => s.return()));
  }
}

/** Choices that are begun, or items that are taken, before others get a turn: a thousand at once took 200 ms. */
const inOneTurn = 64;

/** Interleaves async generators, asking each for its next item only after its last one was taken. */
async function* merge<T>(sources: readonly AsyncGenerator<T, void, undefined>[]): AsyncGenerator<T, void, undefined> {
  type Event = { source: AsyncGenerator<T, void, undefined>; result: IteratorResult<T> } | { error: unknown };
  const ready: Event[] = [];
  let wake = (): void => undefined;
  const advance = (source: AsyncGenerator<T, void, undefined>): void => {
    source.next().then(
      (result) => (ready.push({ source, result }), wake()),
      (error: unknown) => (ready.push({ error }), wake()),
    );
  };
  for (const [i, source] of sources.entries()) {
    if (i % inOneTurn === inOneTurn - 1) await nextTurn();
    advance(source);
  }
  let taken = 0;
  for (let open = sources.length; open > 0;) {
    if (++taken % inOneTurn === 0) await nextTurn();
    if (ready.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const event = ready.shift()!;
    if ('error' in event) throw event.error;
    if (event.result.done === true) open--;
    else {
      yield event.result.value;
      advance(event.source);
    }
  }
}

/**
 * The choices, once the engine has taken all of them: what they are refused for (queue full, an unusable grammar) is then
 * answered with its HTTP status, never inside a stream that has begun with 200.
 */
export async function startChoices(
  ctx: ServerContext,
  requests: readonly GenerationRequest[],
): Promise<AsyncGenerator<TextOutput, void, undefined>> {
  let [waiting, accept] = [requests.length, (): void => undefined];
  const accepted = new Promise<void>((resolve) => (accept = resolve));
  const onAccepted = (): void => void (--waiting === 0 && accept());
  const source = generateChoices(
    ctx,
    requests.map((request) => ({ ...request, onAccepted })),
  );
  // Some may have news before the others are taken.
  const early: TextOutput[] = [];
  let next = source.next();
  for (let result; (result = await Promise.race([next, accepted])) !== undefined && result.done !== true;) {
    early.push(result.value);
    next = source.next();
  }
  next.catch(() => undefined); // it is met by who reads on
  return (async function* () {
    try {
      yield* early;
      for (let result = await next; result.done !== true; result = await source.next()) yield result.value;
    } finally {
      await source.return();
    }
  })();
}
