/** What another implementation answered, as `scripts/make-exam.py` writes it. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { EngineError } from '../../errors.ts';

const id = z.int().min(0);
const logprob = z.number().max(1e-3);

export const expectedCase = z
  .object({
    prompt_ids: z.array(id).min(1),
    /** Of each token of the prompt given those before it; null for the first. */
    prompt_logprobs: z.array(logprob.nullable()),
    /** The greedy continuation. */
    token_ids: z.array(id).min(1),
    token_logprobs: z.array(logprob),
  })
  .refine(
    (c) => c.prompt_logprobs.length === c.prompt_ids.length && c.token_logprobs.length === c.token_ids.length,
    'there must be one log-probability for each token',
  );

const expectedSchema = z.object({
  model_type: z.string(),
  made_by: z.record(z.string(), z.string()),
  cases: z.array(expectedCase).min(1),
});

export type ExpectedCase = z.infer<typeof expectedCase>;
export type Expected = z.infer<typeof expectedSchema>;

/** @throws EngineError bad_flag naming the file, and what of it is not as it should be */
export function readExpected(path: string): Expected {
  try {
    return expectedSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    const message = `--expected: ${path} is not what scripts/make-exam.py writes: ${reason}`;
    throw new EngineError('bad_flag', message, { param: '--expected', cause });
  }
}
