/** A choice's text → what chat answers are made of: reasoning, content and tool calls, piece by piece. */
import type { TextFinishReason, TextOutput } from './generation.ts';
import { ReasoningParser } from './reasoning/reasoning-parser.ts';
import type { ToolCallDelta, ToolCallParser } from './tool-calls/types.ts';

export interface AnswerDelta {
  readonly reasoning: string;
  readonly content: string;
  readonly toolCalls: readonly ToolCallDelta[];
}

export type AnswerFinishReason = TextFinishReason | 'tool_calls';

export interface AnswerOptions {
  /** The rendered prompt, which may have opened the reasoning. */
  readonly prompt: string;
  readonly reasoningParser: string | null;
  /** null leaves the text as it is. */
  readonly toolCallParser: ToolCallParser | null;
  /** false keeps the first call only. */
  readonly parallelToolCalls: boolean;
}

export class AnswerParser {
  /** Tokens that went into reasoning so far. */
  reasoningTokens = 0;
  readonly #reasoning: ReasoningParser | null;
  readonly #tools: ToolCallParser | null;
  readonly #parallel: boolean;
  #called = false;

  constructor(options: AnswerOptions) {
    this.#reasoning =
      options.reasoningParser === null ? null : new ReasoningParser(options.reasoningParser, options.prompt);
    this.#tools = options.toolCallParser;
    this.#parallel = options.parallelToolCalls;
  }

  push(output: TextOutput): AnswerDelta {
    const { reasoning, content } = this.#split(output.text, output.tokens.length, output.finishReason !== null);
    const parts = this.#tools === null ? [{ content }] : [content === '' ? null : this.#tools.push(content)];
    if (output.finishReason !== null && this.#tools !== null) {
      parts.push(this.#tools.end(output.finishReason === 'stop' ? 'eos' : 'length'));
    }
    const toolCalls = parts
      .flatMap((p) => (p !== null && 'toolCalls' in p ? (p.toolCalls ?? []) : []))
      .filter((call) => this.#parallel || call.index === 0);
    if (toolCalls.length > 0) this.#called = true;
    return { reasoning, content: parts.map((p) => p?.content ?? '').join(''), toolCalls };
  }

  /** `tool_calls` only for a whole answer: a call that the token limit cut off is `length`. */
  finishReason(reason: TextFinishReason): AnswerFinishReason {
    return this.#called && reason === 'stop' ? 'tool_calls' : reason;
  }

  #split(text: string, numTokens: number, last: boolean): { reasoning: string; content: string } {
    if (this.#reasoning === null) return { reasoning: '', content: text };
    if (this.#reasoning.reasoning) this.reasoningTokens += numTokens;
    const pushed = this.#reasoning.push(text);
    if (!last) return pushed;
    const rest = this.#reasoning.end();
    return { reasoning: pushed.reasoning + rest.reasoning, content: pushed.content + rest.content };
  }
}
