/** Tools and the choice among them. */
import { z } from 'zod';

export const toolName = z
  .string()
  .regex(/^[a-zA-Z0-9_.-]{1,64}$/, 'Expected 1 to 64 letters, digits, `_`, `-` or `.`.');

/** How much a model shall think, in the words of all APIs. */
export const reasoningEffort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

const functionSchema = z.object({
  name: toolName,
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

const choiceError = 'Expected "none", "auto", "required", a function or allowed_tools';
export const toolChoiceWord = z.enum(['none', 'auto', 'required'], choiceError);
/** Of a choice that is neither a word nor one of the objects. */
export const toolChoiceError = (issue: { code?: string }): string =>
  issue.code === 'invalid_union'
    ? 'Expected "function" or "allowed_tools": tools of other types are not run here.'
    : choiceError;

export const toolChoiceSchema = z.union([
  toolChoiceWord,
  z.discriminatedUnion('type', [named, allowed], { error: toolChoiceError }),
]);
export type ToolChoice = z.output<typeof toolChoiceSchema>;

/** Stands for a tool that is not run here. */
export const skippedTool = z.object({ type: z.literal('skipped'), of: z.string() });
type SkippedTool = z.output<typeof skippedTool>;

/** Makes that of tools whose type is not for us, before they are checked. */
export function passOver(skips: (type: string) => boolean) {
  return (tool: unknown): unknown => {
    const type = (tool as { type?: unknown } | null | undefined)?.type;
    return typeof type === 'string' && skips(type) ? { type: 'skipped', of: type } : tool;
  };
}

/** The request's own functions, and the types of the tools that were passed over. */
export function splitTools<T extends { readonly type?: unknown }>(tools: readonly (T | SkippedTool)[] = []) {
  const isSkipped = (tool: T | SkippedTool): tool is SkippedTool => tool.type === 'skipped';
  return {
    own: tools.filter((tool): tool is T => !isSkipped(tool)),
    skipped: tools.filter(isSkipped).map((tool) => tool.of),
  };
}
