/** Tools of /v1/responses: functions; those of other types are passed over, with a note. */
import { z } from 'zod';
import { passOver, skippedTool, toolChoiceError, toolChoiceWord, toolName } from '../schema/tools.ts';

const functionTool = z.object({
  type: z.literal('function'),
  name: toolName,
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});

export const responsesTool = z.preprocess(
  passOver((type) => type !== 'function'),
  z.discriminatedUnion('type', [functionTool, skippedTool], { error: 'Expected a tool: an object with a `type`.' }),
);

const named = z.object({ type: z.literal('function'), name: z.string() });
const allowed = z.object({
  type: z.literal('allowed_tools'),
  mode: z.enum(['auto', 'required']),
  tools: z.array(z.object({ type: z.string(), name: z.string().nullish() })),
});
export const responsesToolChoice = z.union([
  toolChoiceWord,
  z.discriminatedUnion('type', [named, allowed], { error: toolChoiceError }),
]);
