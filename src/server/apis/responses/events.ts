/** Answer events → the output items of /v1/responses and the stream events that tell of them. */
import { randomUUID } from 'node:crypto';
import type { AnswerEvent } from '../../chat/answer-stream.ts';
import type { OutputItem, WireResponse } from './schema.ts';
import type { ToolCallDelta } from '../../../text/tool-calls/types.ts';

type Logprobs = AnswerEvent['logprobs'];
export type ResponseEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

export class ResponseBuilder {
  readonly response: WireResponse;
  /** Index of the tool call that the open item holds; null for text and reasoning. */
  #callIndex: number | null = null;
  #open = false;

  constructor(response: WireResponse) {
    this.response = response;
  }

  *start(): Generator<ResponseEvent> {
    yield { type: 'response.created', response: structuredClone(this.response) };
    yield { type: 'response.in_progress', response: structuredClone(this.response) };
  }

  *push({ delta, finishReason, usage, reasoningTokens, logprobs }: AnswerEvent): Generator<ResponseEvent> {
    if (delta.reasoning !== '') yield* this.#text('reasoning', delta.reasoning);
    if (delta.content !== '') yield* this.#text('message', delta.content, logprobs);
    for (const call of delta.toolCalls) yield* this.#call(call);
    if (finishReason === null) return;
    const cutBy = finishReason === 'length' ? 'max_output_tokens' : finishReason === 'abort' ? 'abort' : null;
    this.response.status = cutBy === null ? 'completed' : 'incomplete';
    yield* this.#close(this.response.status);
    if (cutBy !== null) this.response.incomplete_details = { reason: cutBy };
    this.response.usage = {
      input_tokens: usage.promptTokens,
      output_tokens: usage.completionTokens,
      total_tokens: usage.promptTokens + usage.completionTokens,
      input_tokens_details: { cached_tokens: usage.cachedTokens },
      output_tokens_details: { reasoning_tokens: reasoningTokens },
    };
    yield { type: `response.${this.response.status}`, response: this.response };
  }

  /** The index of the item that is being written: the last one. */
  get #index(): number {
    return this.response.output.length - 1;
  }

  *#add(item: OutputItem): Generator<ResponseEvent> {
    this.response.output.push(item);
    this.#open = true;
    yield { type: 'response.output_item.added', output_index: this.#index, item: structuredClone(item) };
  }

  *#text(type: 'message' | 'reasoning', text: string, logprobs: Logprobs = []): Generator<ResponseEvent> {
    if (!this.#open || this.response.output.at(-1)?.type !== type) {
      yield* this.#close('completed');
      yield* this.#openText(type);
    }
    const item = this.response.output.at(-1)!;
    if (item.type === 'function_call') return;
    item.content[0].text += text;
    if (item.type === 'message') item.content[0].logprobs.push(...logprobs);
    const added = item.type === 'message' ? { logprobs } : {};
    yield { ...this.#place(item), type: `response.${kind(item)}.delta`, delta: text, ...added };
  }

  *#openText(type: 'message' | 'reasoning'): Generator<ResponseEvent> {
    const status = 'in_progress';
    const item: OutputItem =
      type === 'message'
        ? { id: newId('msg'), type, role: 'assistant', status, content: [] }
        : { id: newId('rs'), type, status, summary: [], content: [] };
    yield* this.#add(item);
    if (item.type === 'message') item.content.push({ type: 'output_text', text: '', annotations: [], logprobs: [] });
    else item.content.push({ type: 'reasoning_text', text: '' });
    yield { ...this.#place(item), type: 'response.content_part.added', part: structuredClone(item.content[0]) };
  }

  *#call(call: ToolCallDelta): Generator<ResponseEvent> {
    if (!this.#open || this.#callIndex !== call.index) {
      yield* this.#close('completed');
      this.#callIndex = call.index;
      const names = { call_id: call.id ?? '', name: call.name ?? '' };
      yield* this.#add({ id: newId('fc'), type: 'function_call', status: 'in_progress', ...names, arguments: '' });
    }
    const item = this.response.output.at(-1)!;
    if (item.type !== 'function_call' || call.arguments === undefined || call.arguments === '') return;
    item.arguments += call.arguments;
    const place = { item_id: item.id, output_index: this.#index };
    yield { ...place, type: 'response.function_call_arguments.delta', delta: call.arguments };
  }

  *#close(status: 'completed' | 'incomplete'): Generator<ResponseEvent> {
    if (!this.#open) return;
    this.#open = false;
    this.#callIndex = null;
    const item = this.response.output.at(-1)!;
    item.status = status;
    if (item.type === 'function_call') {
      const place = { item_id: item.id, output_index: this.#index };
      yield { ...place, type: 'response.function_call_arguments.done', name: item.name, arguments: item.arguments };
    } else {
      const part = structuredClone(item.content[0]);
      const all = 'logprobs' in part ? { logprobs: part.logprobs } : {};
      yield { ...this.#place(item), type: `response.${kind(item)}.done`, text: part.text, ...all };
      yield { ...this.#place(item), type: 'response.content_part.done', part };
    }
    yield { type: 'response.output_item.done', output_index: this.#index, item: structuredClone(item) };
  }

  #place(item: OutputItem) {
    return { item_id: item.id, output_index: this.#index, content_index: 0 };
  }
}

function kind(item: OutputItem): string {
  return item.type === 'reasoning' ? 'reasoning_text' : 'output_text';
}

function newId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}
