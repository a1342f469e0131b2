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
const part = z.discriminatedUnion('type', [textPart, refusalPart], { error: partError });

const content = z.union([z.string('Expected a string'), z.array(part, 'Expected an array of parts').min(1)]);
const name = z.string().nullish();

export const toolCallSchema = z.object({
  id: z.string(),
  type: z.literal('function').default('function'),
  function: z.object({ name: z.string(), arguments: z.string().default('') }),
});

const assistant = z
  .object({
    role: z.literal('assistant'),
    content: content.nullish(),
    name,
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    reasoning: z.string().nullish(),
    tool_calls: z.array(toolCallSchema).nullish(),
  })
  .refine((m) => typeof m.content === 'string' || Array.isArray(m.content) || (m.tool_calls?.length ?? 0) > 0, {
    path: ['content'],
    error: 'Required unless the message has tool_calls.',
  });

export const messageSchema = z.discriminatedUnion(
  'role',
  [
    z.object({ role: z.literal('system'), content, name }),
    z.object({ role: z.literal('developer'), content, name }),
    z.object({ role: z.literal('user'), content, name }),
    assistant,
    z.object({ role: z.literal('tool'), content, tool_call_id: z.string(), name }),
    z.object({ role: z.literal('function'), content: content.nullable(), name: z.string() }),
  ],
  { error: 'Expected a message whose role is one of developer, system, user, assistant, tool, function.' },
);

export type ChatMessage = z.output<typeof messageSchema>;
export type MessageContent = z.output<typeof content>;
