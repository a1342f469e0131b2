/** A validated completion request → engine requests: `best_of` (or n) candidates for each prompt. */
import type { ServerContext } from '../../http/context.ts';
import type { GenerationRequest } from '../../chat/generation.ts';
import { fitPrompt } from '../../chat/prompt-limits.ts';
import type { ConstraintSpec } from '../../../engine/grammar/constraint.ts';
import type { CompletionRequest } from './schema.ts';
import { forChoice, toSamplingParams } from '../../chat/sampling-params.ts';

const DEFAULT_MAX_TOKENS = 16;

export interface CompletionRun {
  /** Candidate c of prompt p is `requests[p * candidates + c]`. Empty when no token was asked for. */
  readonly requests: readonly GenerationRequest[];
  readonly prompts: readonly EchoedPrompt[];
  readonly candidates: number;
  readonly n: number;
}

export interface EchoedPrompt {
  /** The text that the prompt's choices begin with; '' without echo. */
  readonly echo: string;
  readonly ids: readonly number[];
  /** Tokens at its front that are not part of the text: BOS. */
  readonly added: number;
}

export async function prepareCompletion(
  ctx: ServerContext,
  body: CompletionRequest,
  id: string,
  signal: AbortSignal,
): Promise<CompletionRun> {
  const n = body.n ?? 1;
  const candidates = Math.max(body.best_of ?? n, n);
  // Candidates are ranked by their logprobs.
  const logprobs = body.logprobs ?? (candidates > n ? 0 : null);
  const constraint = await ctx.constraints.ofText(body, signal);
  const prompts = listPrompts(body.prompt).map((prompt) => preparePrompt(ctx, body, prompt, { logprobs, constraint }));
  const total = prompts.length * candidates;
  const requests = prompts.flatMap(({ room, params }, p) =>
    Array.from({ length: candidates }, (_, c) => ({
      requestId: total === 1 ? id : `${id}-${p * candidates + c}`,
      promptIds: room.promptIds,
      params: forChoice(params, c),
      stops: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
      includeStop: body.include_stop_str_in_output ?? false,
      skipSpecialTokens: body.skip_special_tokens ?? true,
      signal,
    })),
  );
  return { requests, prompts, candidates, n };
}

type Prompt = string | readonly number[];

function listPrompts(prompt: CompletionRequest['prompt']): readonly Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as string[] | number[][]);
}

interface PromptOptions {
  readonly logprobs: number | null;
  readonly constraint: ConstraintSpec | null;
}

function preparePrompt(ctx: ServerContext, body: CompletionRequest, prompt: Prompt, options: PromptOptions) {
  const encode = (addSpecialTokens: boolean) =>
    typeof prompt === 'string' ? ctx.tokenizer.encode(prompt, { addSpecialTokens }) : prompt;
  const ids = encode(body.add_special_tokens ?? true);
  const echo = body.echo === true;
  const room = fitPrompt(ctx, ids, {
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? DEFAULT_MAX_TOKENS,
    truncate: body.truncate_prompt_tokens,
    param: 'prompt',
  });
  const params = toSamplingParams(ctx, body, {
    maxTokens: room.maxTokens,
    ...options,
    promptLogprobs: echo ? (body.logprobs ?? null) : null,
  });
  if (!echo) return { room, params, echo: '', ids: room.promptIds, added: 0 };
  // What truncate_prompt_tokens cut off is not part of the prompt any more.
  const cut = room.promptIds.length < ids.length;
  const text = typeof prompt === 'string' && !cut ? prompt : ctx.tokenizer.decode(room.promptIds);
  return { room, params, echo: text, ids: room.promptIds, added: cut ? 0 : ids.length - encode(false).length };
}
