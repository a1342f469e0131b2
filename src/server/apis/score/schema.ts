/** POST /v1/score (vLLM's shape) and POST /get_score (LightLLM's): numbers from a reward model. */
import { z } from 'zod';
import { ignored, optional, required } from '../schema/fields.ts';
import { messageSchema } from '../schema/messages.ts';

const texts = z.union([z.string('Expected a string').min(1), z.array(z.string().min(1)).min(1).max(2048)]);

export const scoreRequestSchema = z
  .object({
    model: optional(z.string(), 'A served model name; absent means the served model.'),
    text_1: required(texts, 'One text, or as many as text_2 has.'),
    text_2: required(texts, 'The texts that follow: each pair is scored as one text.'),
    use_activation: optional(z.boolean(), 'true (default): the sigmoid of the score. false: the score itself.'),
    truncate_prompt_tokens: optional(z.int().min(1), 'Keep only the last so many tokens of each pair.'),
    user: ignored('End-user id.'),
  })
  .superRefine(({ text_1: a, text_2: b }, ctx) => {
    const counts = [a, b].map((t) => (typeof t === 'string' ? 1 : t.length));
    if (counts[0] === 1 || counts[0] === counts[1]) return;
    ctx.addIssue({ code: 'custom', path: ['text_1'], message: `${counts[0]} texts for the ${counts[1]} of text_2.` });
  });

export const scoreResponseSchema = z.object({
  id: z.string(),
  object: z.literal('list'),
  created: z.int(),
  model: z.string(),
  data: z.array(z.object({ index: z.int(), object: z.literal('score'), score: z.number() })),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

export type ScoreRequest = z.output<typeof scoreRequestSchema>;

export const getScoreRequestSchema = z.object({
  chat: required(z.array(messageSchema).min(1), 'The conversation whose last answer is scored.'),
  parameters: ignored('LightLLM takes sampling parameters here; a score depends on none.'),
});

export const getScoreResponseSchema = z.object({
  score: z.number(),
  prompt_tokens: z.int(),
  finish_reason: z.literal('stop'),
});
