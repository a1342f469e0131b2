/** Tools and the choice among them. */
import { z } from 'zod';

export const functionSchema = z.object({
  name: z.string().regex(/^[a-zA-Z0-9_.-]{1,64}$/, 'Expected 1 to 64 letters, digits, `_`, `-` or `.`.'),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});

export const toolSchema = z.object({
  type: z.literal('function', 'Only tools of type "function" are supported.'),
  function: functionSchema,
});
export type Tool = z.output<typeof toolSchema>;

const named = z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) });

const allowed = z.object({
  type: z.literal('allowed_tools'),
  allowed_tools: z.object({ mode: z.enum(['auto', 'required']), tools: z.array(named).min(1) }),
});

export const toolChoiceSchema = z.union([
  z.enum(['none', 'auto', 'required'], 'Expected "none", "auto", "required", a function or allowed_tools'),
  named,
  allowed,
]);
export type ToolChoice = z.output<typeof toolChoiceSchema>;
