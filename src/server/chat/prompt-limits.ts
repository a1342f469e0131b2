/** The room that a prompt leaves in the context, and the error when it leaves none. */
import { EngineError } from '../../errors.ts';
import type { ServerContext } from '../http/context.ts';

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
