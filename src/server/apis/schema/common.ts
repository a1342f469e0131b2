/** Response schemas that several endpoints share. They document the API and are checked against answers in tests. */
import { z } from 'zod';

export const usageSchema = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
  completion_tokens_details: z.object({ reasoning_tokens: z.int() }),
});

export const finishReasonSchema = z.enum(['stop', 'length', 'tool_calls', 'abort']);

export const errorSchema = z.object({
  type: z.literal('error').optional().describe('Under /v1/messages only.'),
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});
