/** POST /v1/embeddings: request and response. */
import { z } from 'zod';
import { ignored, optional, required, tokenIds } from '../schema/fields.ts';

/** OpenAI's limit on one request. */
const MAX_INPUTS = 2048;
const text = z.string('Expected a string').min(1, 'Must not be empty.');

const input = z.union([
  text,
  tokenIds.min(1),
  z.array(text).min(1).max(MAX_INPUTS),
  z.array(tokenIds.min(1)).min(1).max(MAX_INPUTS),
]);

export const embeddingRequestSchema = z.object({
  model: optional(z.string(), 'A served model name; absent means the served model.'),
  input: required(input, `A string, strings, token ids, or lists of token ids; at most ${MAX_INPUTS}.`),
  encoding_format: optional(
    z.enum(['float', 'base64']),
    'float (default): numbers. base64: the bytes of little-endian f32.',
  ),
  dimensions: optional(
    z.int().min(1),
    'Keep the first so many values and normalise them; at most the model’s hidden size.',
  ),
  truncate_prompt_tokens: optional(z.int().min(1), 'Keep only the last so many tokens of each input (vLLM).'),
  add_special_tokens: optional(z.boolean(), 'Add the tokenizer’s BOS to a text. Default true.'),
  user: ignored('End-user id.'),
});
export type EmbeddingRequest = z.output<typeof embeddingRequestSchema>;

const usage = z.object({ prompt_tokens: z.int(), total_tokens: z.int() });

export const embeddingResponseSchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage,
});
