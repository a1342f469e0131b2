/** The room that a prompt leaves in the context, and the error when it leaves none. */
import { EngineError } from '../../errors.ts';
import type { ServerContext } from '../http/context.ts';
import type { TextLimit } from '../text-workers/text-tasks.ts';

/**
 * Of a prompt: what the context holds. A prompt that is cut to its end (`truncate`) may be longer.
 * Agents look for "maximum context length" in the message.
 */
export function promptLimit(ctx: ServerContext, truncate?: number): TextLimit {
  const { maxModelLen } = ctx.engine.info;
  if (truncate !== undefined) return countingLimit(ctx);
  return {
    tokens: maxModelLen,
    chars: maxModelLen * ctx.text.longestToken,
    code: 'context_length_exceeded',
    message: `This model's maximum context length is ${maxModelLen} tokens, but the prompt alone has {}. Please shorten it.`,
  };
}

/** Tokens that are counted or listed at once, where the context is not longer. */
const MOST_COUNTED = 2 ** 17;
/** Characters of a text that is counted, where the context does not hold more. */
const MOST_CHARS = 2 ** 20;

/** Of a text that is only counted, or cut. */
export function countingLimit(ctx: ServerContext): TextLimit {
  const { maxModelLen } = ctx.engine.info;
  const tokens = Math.max(MOST_COUNTED, maxModelLen);
  const chars = Math.max(MOST_CHARS, maxModelLen * ctx.text.longestToken);
  const message = `At most ${tokens} tokens and ${chars} characters are turned into tokens at once, but the text has {}. Send it in parts.`;
  return { tokens, chars, code: 'invalid_value', message };
}

export interface Room {
  readonly promptIds: readonly number[];
  /** Tokens the answer may have: what was asked for, cut to what the context has left. */
  readonly maxTokens: number;
}

/**
 * `param` names the field the prompt came from; with `maxTokens` 0 the prompt may fill the context. Agents look for
 * "maximum context length" in the message, Claude Code for "prompt is too long: N tokens > M".
 */
export function fitPrompt(
  ctx: ServerContext,
  ids: readonly number[],
  options: { maxTokens: number | undefined; truncate: number | undefined; param: string },
): Room {
  const { maxModelLen } = ctx.engine.info;
  const { param } = options;
  const promptIds = options.truncate === undefined ? ids : ids.slice(-options.truncate);
  if (promptIds.length === 0) throw new EngineError('invalid_value', `${param}: The prompt is empty.`, { param });
  checkVocabulary(ctx, promptIds, param);
  const left = maxModelLen - promptIds.length;
  if (left < (options.maxTokens === 0 ? 0 : 1)) {
    const message =
      `This model's maximum context length is ${maxModelLen} tokens, but the prompt is too long: ` +
      `${promptIds.length} tokens > ${maxModelLen}. Please shorten it.`;
    throw new EngineError('context_length_exceeded', message, { param });
  }
  return { promptIds, maxTokens: Math.min(options.maxTokens ?? left, left) };
}

/** Throws invalid_value for an id that is no token. */
export function checkVocabulary(ctx: ServerContext, ids: readonly number[], param: string): void {
  const { vocabSize } = ctx.engine.info;
  const outside = ids.find((id) => id >= vocabSize);
  if (outside === undefined) return;
  const message = `${param}: Token id ${outside} is outside the vocabulary of ${vocabSize}.`;
  throw new EngineError('invalid_value', message, { param });
}

/**
 * Before anything is made of them: a request may not bring more generations than the engine runs and lets wait.
 * @param what how they come about, such as "500 prompts with 128 choices each"
 * @throws EngineError invalid_value
 */
export function checkGenerations(ctx: ServerContext, count: number, what: string, param: string): void {
  if (count <= ctx.maxRequests) return;
  const message =
    `${param}: ${what} are ${count} generations; this server takes at most ${ctx.maxRequests} at once ` +
    '(--running_max_req_size and --max_queued_requests). Send them in parts.';
  throw new EngineError('invalid_value', message, { param });
}

/** Log-probabilities of prompts that one answer may have, where the context is not longer. */
const MOST_PROMPT_LOGPROBS = 2 ** 18;

/**
 * Before they are computed: with `echo` each candidate brings those of its whole prompt.
 * @param each of a token, its own among them
 * @throws EngineError invalid_value
 */
export function checkPromptLogprobs(ctx: ServerContext, tokens: number, candidates: number, each: number): void {
  const most = Math.max(MOST_PROMPT_LOGPROBS, 6 * ctx.engine.info.maxModelLen);
  const count = tokens * candidates * each;
  if (count <= most) return;
  const message = `logprobs: With echo, ${tokens} tokens of prompts, ${candidates} choices and ${each} log-probabilities a token make ${count}; an answer has at most ${most}. Ask for fewer, or send the prompts in parts.`;
  throw new EngineError('invalid_value', message, { param: 'logprobs' });
}
