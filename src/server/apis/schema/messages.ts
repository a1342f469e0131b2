/** Chat messages as clients send them (OpenAI's six roles). */
import { z } from 'zod';

const textPart = z.object({ type: z.enum(['text', 'input_text', 'output_text']), text: z.string() });
const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });

const partError = (issue: { input?: unknown }): string => {
  const type = (issue.input as { type?: unknown } | null)?.type;
  return typeof type === 'string'
    ? `Content parts of type ${JSON.stringify(type)} are not supported: this server reads text only.`
    : 'A content part needs a `type`.';
};
export const partSchema = z.discriminatedUnion('type', [textPart, refusalPart], { error: partError });

export const contentSchema = z.union([
  z.string('Expected a string'),
  z.array(partSchema, 'Expected an array of parts').min(1, 'Expected at least one part: the list is empty.'),
]);
const content = contentSchema;
const name = z.string().nullish();

const calledFunction = z.object({ name: z.string(), arguments: z.string().default('') });

export const toolCallSchema = z.object({
  id: z.string(),
  type: z.literal('function').default('function'),
  function: calledFunction,
});

/** A call in the form from before there were tools, and its result, have no id: the function's name joins them. */
const idOf = (functionName: string): string => `call_${functionName}`;

const assistant = z
  .object({
    role: z.literal('assistant'),
    content: content.nullish(),
    name,
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    reasoning: z.string().nullish(),
    tool_calls: z.array(toolCallSchema).nullish(),
    function_call: calledFunction.nullish(),
  })
  .refine((m) => m.content != null || m.refusal != null || m.function_call != null || (m.tool_calls?.length ?? 0) > 0, {
    path: ['content'],
    error: 'Required unless the message has tool_calls, function_call or refusal.',
  })
  .transform(({ function_call: call, ...message }) => {
    if (call == null) return message;
    const toolCall = { id: idOf(call.name), type: 'function' as const, function: call };
    return { ...message, tool_calls: [...(message.tool_calls ?? []), toolCall] };
  });

const functionResult = z
  .object({ role: z.literal('function'), content: content.nullable(), name: z.string() })
  .transform(({ content: text, name: functionName }) => ({
    role: 'tool' as const,
    content: text ?? '',
    tool_call_id: idOf(functionName),
    name: functionName,
  }));

/** For messages of another role, or none. */
export function expectedRole(kinds: readonly z.core.$ZodTypeDiscriminable[]): string {
  const roles = kinds.flatMap((kind) => [...(kind._zod.propValues['role'] ?? [])]);
  return `Expected a message whose role is one of ${roles.join(', ')}.`;
}

const kinds = [
  z.object({ role: z.literal('system'), content, name }),
  z.object({ role: z.literal('developer'), content, name }),
  z.object({ role: z.literal('user'), content, name }),
  assistant,
  z.object({ role: z.literal('tool'), content, tool_call_id: z.string(), name }),
  functionResult,
] as const;
export const messageSchema = z.discriminatedUnion('role', kinds, { error: expectedRole(kinds) });

export type ChatMessage = z.output<typeof messageSchema>;

/** What stands beside the conversation. None for an empty text: it would replace the chat template's own by nothing. */
export function systemMessage(text: string): ChatMessage[] {
  return text === '' ? [] : [{ role: 'system', content: text }];
}

/** What a tool that failed gave: chat templates show a result's text alone, so that it has to say so itself. */
export function failedResult(text: string): string {
  if (text === '') return 'Error';
  return /^error\b/i.test(text) ? text : `Error: ${text}`;
}
