/** GET /v1/models and /v1/models/{id}. */
import { z } from 'zod';

export const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  root: z.string().describe('Of an adapter: where it was loaded from.'),
  parent: z.string().nullable().describe('Of an adapter: the model that it changes.'),
  max_model_len: z.int(),
  type: z.literal('model').describe('This and the next two are for Anthropic’s clients.'),
  display_name: z.string(),
  created_at: z.iso.datetime(),
});
export type ModelCard = z.output<typeof modelSchema>;

export const modelListSchema = z.object({
  object: z.literal('list'),
  data: z.array(modelSchema),
  has_more: z.literal(false),
  first_id: z.string(),
  last_id: z.string(),
});
