/** POST /v1/chat/completions, plain and streamed. */
import { randomUUID } from 'node:crypto';
import type { Api } from '../../http/api.ts';
import type { AnswerParser } from '../../../text/answer/answer-parser.ts';
import { type ChatRun, prepareChat } from '../../chat/chat-run.ts';
import type { ServerContext } from '../../http/context.ts';
import { generateChoices } from '../../chat/choices.ts';
import type { ChoiceOutput } from '../../chat/generate-text.ts';
import { startChoices } from '../../chat/start-choices.ts';
import { chatLogprobs } from '../../chat/logprobs.ts';
import { listAnswer } from '../../http/list-answer.ts';
import { fingerprint, modelName } from '../../http/model-name.ts';
import {
  type ChatChunk,
  chatChunkSchema,
  type ChatLogprobs,
  type ChatRequest,
  chatRequestSchema,
  type ChatResponse,
  chatResponseSchema,
} from './schema.ts';
import { linkedAbort } from '../../http/request-signal.ts';
import { openAIStream } from '../../http/sse.ts';
import type { ToolCallDelta } from '../../../text/tool-calls/types.ts';
import { UsageCounter } from '../../chat/usage.ts';

export function addChatCompletions(api: Api, ctx: ServerContext): void {
  const doc = {
    method: 'post',
    path: '/v1/chat/completions',
    summary: 'Answer a conversation.',
    tag: 'OpenAI',
    body: chatRequestSchema,
    example: { messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 50 },
    response: chatResponseSchema,
    event: chatChunkSchema,
  } as const;
  api.add(doc, async (c, body) => {
    const model = modelName(ctx, body.model);
    const abort = linkedAbort(c);
    const id = `chatcmpl-${body.request_id ?? randomUUID().replaceAll('-', '')}`;
    const head = { id, created: Math.floor(Date.now() / 1000), model, system_fingerprint: fingerprint(ctx) };
    const run = await prepareChat(ctx, body, id, abort.signal);
    if (body.stream !== true) {
      const { choices, usage } = await wholeAnswer(ctx, run, generateChoices(ctx, run.requests));
      return listAnswer(c, { ...head, object: 'chat.completion' }, 'choices', choices, () => ({ usage }));
    }
    const chunks = answerChunks(ctx, head, body, run, await startChoices(ctx, run.requests));
    return openAIStream(chunks, abort);
  });
}

interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
}

/** One choice of a whole answer as its pieces add up. */
class WholeChoice {
  readonly parser: AnswerParser;
  #content = '';
  #reasoning = '';
  readonly #calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = [];
  readonly #logprobs: ChatLogprobs['content'] = [];
  #finish: Pick<ChatResponse['choices'][number], 'finish_reason' | 'stop_reason'> | null = null;

  constructor(parser: AnswerParser) {
    this.parser = parser;
  }

  push(ctx: ServerContext, output: ChoiceOutput): void {
    const delta = this.parser.push(output);
    this.#content += delta.content;
    this.#reasoning += delta.reasoning;
    delta.toolCalls.forEach((call) => this.#addCall(call));
    this.#logprobs.push(...chatLogprobs(ctx.tokenizer, output.tokens).content);
    if (output.finishReason !== null) {
      this.#finish = {
        finish_reason: this.parser.finishReason(output.finishReason),
        stop_reason: output.stopReason,
      };
    }
  }

  #addCall(delta: ToolCallDelta): void {
    const call = (this.#calls[delta.index] ??= { id: '', type: 'function', function: { name: '', arguments: '' } });
    call.id += delta.id ?? '';
    call.function.name += delta.name ?? '';
    call.function.arguments += delta.arguments ?? '';
  }

  result(index: number, withLogprobs: boolean): ChatResponse['choices'][number] {
    const called = this.#calls.length > 0;
    return {
      index,
      message: {
        role: 'assistant',
        content: called && this.#content === '' ? null : this.#content,
        refusal: null,
        ...(this.#reasoning === '' ? {} : { reasoning_content: this.#reasoning }),
        ...(called ? { tool_calls: this.#calls } : {}),
      },
      logprobs: withLogprobs ? { content: this.#logprobs, refusal: null } : null,
      ...this.#finish!,
    };
  }
}

async function wholeAnswer(
  ctx: ServerContext,
  run: ChatRun,
  outputs: AsyncGenerator<ChoiceOutput, void, undefined>,
): Promise<Pick<ChatResponse, 'choices' | 'usage'>> {
  const choices = run.parsers.map((parser) => new WholeChoice(parser));
  const usage = new UsageCounter(choices.length);
  for await (const output of outputs) {
    const choice = choices[output.index];
    choice.push(ctx, output);
    usage.update(output.index, output.usage, choice.parser.reasoningTokens);
  }
  return { choices: choices.map((choice, index) => choice.result(index, run.logprobs)), usage: usage.total() };
}

async function* answerChunks(
  ctx: ServerContext,
  head: Head,
  body: ChatRequest,
  run: ChatRun,
  outputs: AsyncGenerator<ChoiceOutput, void, undefined>,
): AsyncGenerator<ChatChunk, void, undefined> {
  const { include_usage: includeUsage, continuous_usage_stats: continuous } = body.stream_options ?? {};
  const { parsers } = run;
  const usage = new UsageCounter(parsers.length);
  const chunk = (choices: ChatChunk['choices']): ChatChunk => ({
    ...head,
    object: 'chat.completion.chunk',
    choices,
    ...(continuous === true ? { usage: usage.total() } : includeUsage === true ? { usage: null } : {}),
  });
  for (const index of parsers.keys()) {
    yield chunk([{ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }]);
  }
  for await (const output of outputs) {
    const { index, finishReason } = output;
    const parser = parsers[index];
    const { content, reasoning, toolCalls } = parser.push(output);
    usage.update(index, output.usage, parser.reasoningTokens);
    const delta = {
      ...(content === '' ? {} : { content }),
      ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toWireDelta) }),
    };
    const logprobs = run.logprobs && output.tokens.length > 0 ? chatLogprobs(ctx.tokenizer, output.tokens) : null;
    if (Object.keys(delta).length > 0 || logprobs !== null) {
      yield chunk([{ index, delta, logprobs, finish_reason: null }]);
    }
    if (finishReason !== null) {
      const finish_reason = parser.finishReason(finishReason);
      yield chunk([{ index, delta: {}, logprobs: null, finish_reason, stop_reason: output.stopReason }]);
    }
  }
  if (includeUsage === true) yield { ...chunk([]), usage: usage.total() };
}

type WireDelta = NonNullable<ChatChunk['choices'][number]['delta']['tool_calls']>[number];

/** Id, type and name go out whole and once: clients concatenate what is repeated. */
function toWireDelta(call: ToolCallDelta): WireDelta {
  const { index, id, name } = call;
  if (name === undefined) return { index, function: { arguments: call.arguments ?? '' } };
  return { index, id: id ?? '', type: 'function', function: { name, arguments: call.arguments ?? '' } };
}
