/** Answer events → the content blocks of /v1/messages and the stream events that tell of them. */
import { EngineError } from '../../../errors.ts';
import type { AnswerEvent } from '../../chat/answer-stream.ts';
import type { OutputBlock, WireMessage } from './schema.ts';
import type { ToolCallDelta } from '../../../text/tool-calls/types.ts';

export type MessageEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

export class MessageBuilder {
  readonly message: WireMessage;
  #open = false;
  #callIndex: number | null = null;
  /** Arguments so far of the open tool call, JSON text. */
  #arguments = '';

  constructor(message: WireMessage) {
    this.message = message;
  }

  *start(): Generator<MessageEvent> {
    yield { type: 'message_start', message: structuredClone(this.message) };
  }

  /** @throws EngineError aborted: no `stop_reason` says that the answer was ended from outside */
  *push({ delta, finishReason, stopReason, usage }: AnswerEvent): Generator<MessageEvent> {
    if (finishReason === 'abort') throw new EngineError('aborted', 'The request was ended by /abort_request.');
    if (delta.reasoning !== '') yield* this.#text('thinking', delta.reasoning);
    if (delta.content !== '') yield* this.#text('text', delta.content);
    for (const call of delta.toolCalls) yield* this.#call(call);
    if (finishReason === null) return;
    yield* this.#close();
    const { message } = this;
    const matched = finishReason === 'stop' && typeof stopReason === 'string' ? stopReason : null;
    message.stop_sequence = matched;
    message.stop_reason =
      finishReason === 'length'
        ? 'max_tokens'
        : finishReason === 'tool_calls'
          ? 'tool_use'
          : matched === null
            ? 'end_turn'
            : 'stop_sequence';
    message.usage = {
      input_tokens: usage.promptTokens - usage.cachedTokens,
      output_tokens: usage.completionTokens,
      cache_read_input_tokens: usage.cachedTokens,
      cache_creation_input_tokens: 0,
    };
    const { stop_reason, stop_sequence } = message;
    yield { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage: message.usage };
    yield { type: 'message_stop' };
  }

  get #index(): number {
    return this.message.content.length - 1;
  }

  *#add(block: OutputBlock): Generator<MessageEvent> {
    yield* this.#close();
    this.message.content.push(block);
    this.#open = true;
    yield { type: 'content_block_start', index: this.#index, content_block: structuredClone(block) };
  }

  *#text(type: 'text' | 'thinking', text: string): Generator<MessageEvent> {
    if (!this.#open || this.message.content.at(-1)?.type !== type) {
      yield* this.#add(type === 'text' ? { type, text: '' } : { type, thinking: '', signature: '' });
    }
    const block = this.message.content.at(-1)!;
    if (block.type === 'text') block.text += text;
    else if (block.type === 'thinking') block.thinking += text;
    const delta = type === 'text' ? { type: 'text_delta', text } : { type: 'thinking_delta', thinking: text };
    yield { type: 'content_block_delta', index: this.#index, delta };
  }

  *#call(call: ToolCallDelta): Generator<MessageEvent> {
    if (!this.#open || this.#callIndex !== call.index) {
      yield* this.#add({ type: 'tool_use', id: call.id ?? '', name: call.name ?? '', input: {} });
      this.#callIndex = call.index;
    }
    if (call.arguments === undefined || call.arguments === '') return;
    this.#arguments += call.arguments;
    const delta = { type: 'input_json_delta', partial_json: call.arguments };
    yield { type: 'content_block_delta', index: this.#index, delta };
  }

  *#close(): Generator<MessageEvent> {
    if (!this.#open) return;
    const block = this.message.content.at(-1)!;
    if (block.type === 'tool_use') block.input = parseInput(this.#arguments);
    this.#arguments = '';
    this.#open = false;
    this.#callIndex = null;
    yield { type: 'content_block_stop', index: this.#index };
  }
}

/** A call that the token limit cut off has no whole arguments: the text is then handed over as it is. */
function parseInput(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json === '' ? '{}' : json);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through.
  }
  return { arguments: json };
}
