/** POST /v1/completions: request and responses. */
import { z } from 'zod';
import { finishReasonSchema, usageSchema } from '../schema/common.ts';
import { ignored, neutral, optional, required, tokenIds } from '../schema/fields.ts';
import { neutralFields, samplingFields } from '../schema/sampling.ts';

const prompt = z.union([
  z.string('Expected a string'),
  tokenIds.min(1),
  z.array(z.string()).min(1),
  z.array(tokenIds.min(1)).min(1),
]);

const fields = z.object({
  model: optional(z.string(), 'A served model name; absent means the served model.'),
  prompt: required(prompt, 'A string, strings, token ids, or lists of token ids; one choice for each, times n.'),
  ...samplingFields,
  max_tokens: optional(z.int().min(0), 'Longest text; default 16. 0 only with echo.'),
  max_completion_tokens: optional(z.int().min(0), 'Another name of max_tokens, which it wins over.'),
  best_of: optional(z.int().min(1).max(128), 'Generate so many, return the n likeliest; not with stream.'),
  logprobs: optional(z.int().min(0).max(20), 'Alternatives at each token; with echo at the prompt’s tokens too.'),
  echo: optional(z.boolean(), 'Begin the text with the prompt.'),
  suffix: neutral([''], 'text after the completion needs a fill-in-the-middle model'),
  add_special_tokens: optional(z.boolean(), 'Add the tokenizer’s BOS to a text prompt. Default true.'),
  skip_reading_prefix_cache: ignored('vLLM cache option.'),
  ...neutralFields,
});

export const completionRequestSchema = fields.superRefine((body, ctx) => {
  const issue = (field: string, message: string): void => ctx.addIssue({ code: 'custom', path: [field], message });
  const limit = body.max_completion_tokens ?? body.max_tokens;
  if (limit === 0 && body.echo !== true) issue('max_tokens', 'Must be at least 1, or 0 with echo.');
  if (body.stream_options !== undefined && body.stream !== true) issue('stream_options', 'Needs `stream: true`.');
  if (body.best_of !== undefined && body.best_of < (body.n ?? 1)) issue('best_of', 'Must be at least n.');
  if (body.best_of !== undefined && body.best_of > (body.n ?? 1) && body.stream === true) {
    issue('best_of', 'Must equal n when streaming.');
  }
});
export type CompletionRequest = z.output<typeof completionRequestSchema>;

const logprobsSchema = z.object({
  tokens: z.array(z.string()),
  /** null for the first token of an echoed prompt: nothing comes before it. */
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
  text_offset: z.array(z.int()),
});

const completionChoiceSchema = z.object({
  index: z.int(),
  text: z.string(),
  logprobs: logprobsSchema.nullable(),
  finish_reason: finishReasonSchema.nullable(),
  stop_reason: z.union([z.string(), z.int()]).nullable(),
});

/** Whole answers and stream chunks have one shape; `finish_reason` is null in all but the last chunk of a choice. */
export const completionResponseSchema = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
  system_fingerprint: z.string(),
  choices: z.array(completionChoiceSchema),
  usage: usageSchema.nullable().optional(),
});

export type CompletionResponse = z.output<typeof completionResponseSchema>;
export type CompletionChoice = z.output<typeof completionChoiceSchema>;
export type CompletionLogprobs = z.output<typeof logprobsSchema>;
