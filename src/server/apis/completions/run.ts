/** A validated completion request → engine requests: `best_of` (or n) candidates for each prompt. */
import { adapterNamed } from '../../http/model-name.ts';
import type { ServerContext } from '../../http/context.ts';
import { type GenerationRequest, generationRequests } from '../../chat/generation-request.ts';
import { checkGenerations, checkPromptLogprobs, fitPrompt, promptLimit } from '../../chat/prompt-limits.ts';
import type { ConstraintSpec } from '../../../engine/grammar/constraint.ts';
import type { CompletionRequest } from './schema.ts';
import { forbiddenIds, toSamplingParams } from '../../chat/sampling-params.ts';

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
  const given = listPrompts(body.prompt);
  const total = given.length * candidates;
  checkGenerations(ctx, total, `${given.length} prompts with ${candidates} choices each`, 'prompt');
  const encoded = await encodePrompts(ctx, body, given, signal);
  const forbidden = await forbiddenIds(ctx, body.bad_words, signal);
  const constraint = await ctx.constraints.ofText(body, signal);
  const prompts = encoded.map((prompt) => preparePrompt(ctx, body, prompt, { logprobs, constraint, forbidden }));
  if (body.echo === true && body.logprobs !== undefined) {
    const tokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    checkPromptLogprobs(ctx, tokens, candidates, body.logprobs + 1);
  }
  const requests = generationRequests({
    id,
    prompts: prompts.map(({ room, params }) => ({ promptIds: room.promptIds, params })),
    n: candidates,
    stop: body.stop,
    includeStop: body.include_stop_str_in_output,
    skipSpecialTokens: body.skip_special_tokens,
    signal,
    adapter: adapterNamed(ctx, body.model),
  });
  return { requests, prompts, candidates, n };
}

type Prompt = string | readonly number[];

function listPrompts(prompt: CompletionRequest['prompt']): readonly Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as string[] | number[][]);
}

interface EncodedPrompt {
  /** null when it came as ids. */
  readonly text: string | null;
  readonly ids: readonly number[];
  /** Tokens at the front of `ids` that the tokenizer added. */
  readonly added: number;
}

async function encodePrompts(
  ctx: ServerContext,
  body: CompletionRequest,
  prompts: readonly Prompt[],
  signal: AbortSignal,
): Promise<EncodedPrompt[]> {
  const addSpecialTokens = body.add_special_tokens ?? true;
  const limit = promptLimit(ctx, body.truncate_prompt_tokens);
  const texts = prompts.flatMap((text) => (typeof text === 'string' ? [{ text, param: 'prompt' }] : []));
  const encode = (add: boolean) => ctx.text.encode(texts, { addSpecialTokens: add, limit, signal });
  const ids = texts.length > 0 ? await encode(addSpecialTokens) : [];
  const bare = texts.length > 0 && body.echo === true && addSpecialTokens ? await encode(false) : ids;
  return prompts.map((prompt, i) =>
    typeof prompt === 'string'
      ? { text: prompt, ids: ids[i], added: ids[i].length - bare[i].length }
      : { text: null, ids: prompt, added: 0 },
  );
}

interface PromptOptions {
  readonly logprobs: number | null;
  readonly constraint: ConstraintSpec | null;
  readonly forbidden: readonly number[];
}

function preparePrompt(ctx: ServerContext, body: CompletionRequest, prompt: EncodedPrompt, options: PromptOptions) {
  const { ids } = prompt;
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
  const text = prompt.text !== null && !cut ? prompt.text : ctx.tokenizer.decode(room.promptIds);
  return { room, params, echo: text, ids: room.promptIds, added: cut ? 0 : prompt.added };
}
