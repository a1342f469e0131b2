/** Request fields → SamplingParams: the request's values over the server's defaults (flags, then what the model wants). */
import { EngineError } from '../../errors.ts';
import type { ConstraintSpec } from '../../engine/grammar/constraint.ts';
import { defaultSamplingParams, type SamplingParams } from '../../engine/core/types.ts';
import type { ServerContext } from '../http/context.ts';
import type { TextLimit } from '../text-workers/text-tasks.ts';
import { checkVocabulary } from './prompt-limits.ts';

/** The fields of apis/schema/sampling.ts that shape sampling, as validated. */
interface SamplingFields {
  temperature?: number | undefined;
  top_p?: number | undefined;
  top_k?: number | undefined;
  min_p?: number | undefined;
  presence_penalty?: number | undefined;
  frequency_penalty?: number | undefined;
  repetition_penalty?: number | undefined;
  seed?: number | undefined;
  logit_bias?: Record<string, number> | undefined;
  min_tokens?: number | undefined;
  ignore_eos?: boolean | undefined;
  stop_token_ids?: number[] | undefined;
  allowed_token_ids?: number[] | undefined;
}

/** Added to the logit of a forbidden token: low enough for any temperature, finite for the GPU. */
const FORBIDDEN = -1e9;

export function toSamplingParams(
  ctx: ServerContext,
  body: SamplingFields,
  limits: {
    maxTokens: number;
    logprobs: number | null;
    constraint?: ConstraintSpec | null;
    /** Of forbiddenIds. */
    forbidden?: readonly number[];
    promptLogprobs?: number | null;
  },
): SamplingParams {
  const base: SamplingParams = { ...defaultSamplingParams, ...ctx.samplingDefaults };
  const minTokens = body.min_tokens ?? 0;
  if (minTokens > limits.maxTokens) {
    throw invalid('min_tokens', `${minTokens} is more than the ${limits.maxTokens} tokens that the answer may have.`);
  }
  checkVocabulary(ctx, body.stop_token_ids ?? [], 'stop_token_ids');
  checkVocabulary(ctx, body.allowed_token_ids ?? [], 'allowed_token_ids');
  // top_p 0 is allowed by OpenAI and means the likeliest token alone.
  const topP = body.top_p ?? base.topP;
  const topK = body.top_k ?? base.topK;
  return {
    ...base,
    maxTokens: limits.maxTokens,
    minTokens,
    temperature: body.temperature ?? base.temperature,
    topP: topP === 0 ? 1 : topP,
    topK: topP === 0 ? 1 : topK === 0 ? -1 : topK,
    minP: body.min_p ?? base.minP,
    repetitionPenalty: body.repetition_penalty ?? base.repetitionPenalty,
    presencePenalty: body.presence_penalty ?? base.presencePenalty,
    frequencyPenalty: body.frequency_penalty ?? base.frequencyPenalty,
    logitBias: logitBias(ctx, body, limits.forbidden ?? []),
    allowedTokenIds: body.allowed_token_ids === undefined ? null : distinct(body.allowed_token_ids),
    seed: body.seed === undefined || body.seed === -1 ? null : body.seed,
    stopTokenIds: distinct(body.stop_token_ids ?? []),
    ignoreEos: body.ignore_eos ?? false,
    logprobs: limits.logprobs,
    constraint: limits.constraint ?? null,
    promptLogprobs: limits.promptLogprobs ?? null,
  };
}

/** The engine walks the lists for each token: they are never longer than the vocabulary. */
function distinct(ids: readonly number[]): number[] {
  return [...new Set(ids)];
}

function logitBias(ctx: ServerContext, body: SamplingFields, forbidden: readonly number[]): Map<number, number> | null {
  const bias = new Map<number, number>();
  for (const [key, value] of Object.entries(body.logit_bias ?? {})) {
    checkVocabulary(ctx, [Number(key)], 'logit_bias');
    bias.set(Number(key), value);
  }
  for (const id of forbidden) bias.set(id, FORBIDDEN);
  return bias.size === 0 ? null : bias;
}

/**
 * The tokens of `bad_words`: each word must be one. At the start of a text and after a space it is a different token: both
 * are meant.
 */
export async function forbiddenIds(
  ctx: ServerContext,
  words: readonly string[] = [],
  signal: AbortSignal,
): Promise<number[]> {
  if (words.length === 0) return [];
  const forms = words.flatMap((word, i) =>
    [word, ` ${word.trimStart()}`].map((text) => ({ text, param: `bad_words[${i}]` })),
  );
  // As long as two tokens of the longest kind can be, which is enough to see that it is not one.
  const chars = 2 * ctx.text.longestToken;
  const limit = { tokens: 2, chars, code: 'invalid_value', message: 'Only single tokens can be forbidden; it has {}.' };
  const ids = await ctx.text.encode(forms, { addSpecialTokens: false, limit: limit as TextLimit, signal });
  return words.flatMap((word, i) => {
    const single = ids.slice(2 * i, 2 * i + 2).flatMap((form) => (form.length === 1 ? form : []));
    if (single.length > 0) return single;
    throw invalid(
      `bad_words[${i}]`,
      `${JSON.stringify(word)} is more than one token; only single tokens can be forbidden.`,
    );
  });
}

function invalid(param: string, message: string): EngineError {
  return new EngineError('invalid_value', `${param}: ${message}`, { param });
}
