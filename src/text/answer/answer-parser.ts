/** A generation's text → what chat answers are made of: reasoning, content and tool calls, piece by piece. */
import { ReasoningParser } from '../reasoning/reasoning-parser.ts';
import type { ReasoningTags } from '../reasoning/reasoning-tags.ts';
import type { CallWatch } from '../tool-calls/call-watch.ts';
import { RepeatedCalls } from '../tool-calls/repeated-calls.ts';
import type { ToolCallDelta, ToolCallParser } from '../tool-calls/types.ts';
import type { TextOutput } from './generated-text.ts';
import type { TextFinishReason } from './token-output.ts';

export interface AnswerDelta {
  readonly reasoning: string;
  readonly content: string;
  readonly toolCalls: readonly ToolCallDelta[];
}

export type AnswerFinishReason = TextFinishReason | 'tool_calls';

interface AnswerOptions {
  /** null leaves reasoning in the content. */
  readonly reasoning: ReasoningTags | null;
  /** null leaves the text as it is. */
  readonly toolCallParser: ToolCallParser | null;
  /** Finds calls inside the reasoning. */
  readonly callWatch?: CallWatch | null;
  /** A grammar lets the model write nothing but calls. */
  readonly isForced?: boolean;
  /** false keeps the first call only. */
  readonly parallelToolCalls: boolean;
}

export class AnswerParser {
  /** Tokens that went into reasoning so far. */
  reasoningTokens = 0;
  readonly #reasoning: ReasoningParser | null;
  readonly #tools: ToolCallParser | null;
  readonly #parallel: boolean;
  readonly #isForced: boolean;
  /** null where a call may come twice. */
  readonly #repeated: RepeatedCalls | null;
  #called = false;
  /** Arguments of the last call so far: JSON text. */
  #arguments = '';
  #lastCall = -1;
  #cutByStop = false;

  constructor(options: AnswerOptions) {
    const { reasoning, toolCallParser, callWatch = null, isForced = false, parallelToolCalls } = options;
    this.#reasoning = reasoning === null ? null : new ReasoningParser(reasoning, callWatch);
    this.#tools = toolCallParser;
    this.#parallel = parallelToolCalls;
    this.#isForced = isForced;
    this.#repeated = isForced && parallelToolCalls ? new RepeatedCalls() : null;
  }

  /** The answer is whole although the model goes on: the generation is to be ended. */
  get isWhole(): boolean {
    return this.#repeated?.ended === true;
  }

  push(output: Pick<TextOutput, 'text' | 'tokens' | 'finishReason' | 'stopReason'>): AnswerDelta {
    const { reasoning, content } = this.#split(output.text, output.tokens.length, output.finishReason !== null);
    const parts = this.#tools === null ? [{ content }] : [content === '' ? null : this.#tools.push(content)];
    if (output.finishReason !== null && this.#tools !== null) {
      // A stop string may fall inside a call as the token limit may: the parser must not close what the model did not.
      const isEnd = output.finishReason === 'stop' && typeof output.stopReason !== 'string';
      const rest = this.#tools.end(isEnd ? 'eos' : 'length');
      // What is left of a call that was forced and cut off is markup, not text.
      parts.push(rest !== null && this.#isForced && !isEnd ? { ...rest, content: '' } : rest);
    }
    const written = parts
      .flatMap((p) => (p !== null && 'toolCalls' in p ? (p.toolCalls ?? []) : []))
      .filter((call) => this.#parallel || call.index === 0);
    const toolCalls = this.#once(written, output.finishReason !== null);
    for (const call of toolCalls) this.#note(call);
    if (typeof output.stopReason === 'string') this.#cutByStop = this.#called && !isJson(this.#arguments);
    return { reasoning, content: parts.map((p) => p?.content ?? '').join(''), toolCalls };
  }

  /**
   * `tool_calls` only where the last call is whole: one that the token limit cut off is `length`, one that a stop string cut
   * off is `stop`. A stop string after the arguments (`</tool_call>`) leaves the call whole.
   */
  finishReason(reason: TextFinishReason): AnswerFinishReason {
    return this.#called && !this.#cutByStop && reason === 'stop' ? 'tool_calls' : reason;
  }

  #once(calls: readonly ToolCallDelta[], last: boolean): readonly ToolCallDelta[] {
    if (this.#repeated === null) return calls;
    const kept = this.#repeated.push(calls);
    return last ? [...kept, ...this.#repeated.end()] : kept;
  }

  #note(call: ToolCallDelta): void {
    this.#called = true;
    if (call.index !== this.#lastCall) this.#arguments = '';
    this.#lastCall = call.index;
    this.#arguments += call.arguments ?? '';
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
