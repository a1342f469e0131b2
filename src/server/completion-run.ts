/** A validated completion request → engine requests: `best_of` (or n) candidates for each prompt. */
import type { ServerContext } from './context.ts';
import type { GenerationRequest } from './generation.ts';
import { fitPrompt } from './prompt-limits.ts';
import type { CompletionRequest } from './protocol/completions.ts';
import { completionConstraint } from './structured-output/output-constraint.ts';
import { forChoice, toSamplingParams } from './sampling-params.ts';

const DEFAULT_MAX_TOKENS = 16;

export interface CompletionRun {
  /** Candidate c of prompt p is `requests[p * candidates + c]`. Empty when no token was asked for. */
  readonly requests: readonly GenerationRequest[];
  /** `echo` is the text that the prompt's choices begin with. */
  readonly prompts: readonly { readonly echo: string }[];
  readonly candidates: number;
  readonly n: number;
}

export function prepareCompletion(
  ctx: ServerContext,
  body: CompletionRequest,
  id: string,
  signal: AbortSignal,
): CompletionRun {
  const n = body.n ?? 1;
  const candidates = Math.max(body.best_of ?? n, n);
  // Candidates are ranked by their logprobs.
  const logprobs = body.logprobs ?? (candidates > n ? 0 : null);
  const prompts = listPrompts(body.prompt).map((prompt) => preparePrompt(ctx, body, prompt, logprobs));
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

function preparePrompt(ctx: ServerContext, body: CompletionRequest, prompt: Prompt, logprobs: number | null) {
  const ids =
    typeof prompt === 'string'
      ? ctx.tokenizer.encode(prompt, { addSpecialTokens: body.add_special_tokens ?? true })
      : prompt;
  const room = fitPrompt(ctx, ids, {
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? DEFAULT_MAX_TOKENS,
    truncate: body.truncate_prompt_tokens,
    param: 'prompt',
  });
  const params = toSamplingParams(ctx, body, {
    maxTokens: room.maxTokens,
    logprobs,
    constraint: completionConstraint(body),
  });
  const text = typeof prompt === 'string' ? prompt : ctx.tokenizer.decode(prompt);
  return { room, params, echo: body.echo === true ? text : '' };
}
