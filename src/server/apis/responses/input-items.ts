/** The items of a conversation in /v1/responses: what is kept, what is passed over, and what is refused by name. */
import { z } from 'zod';
import { contentSchema, partSchema } from '../schema/messages.ts';

const output = z.union([z.string('Expected a string'), z.array(partSchema, 'Expected an array of parts')]);
const anObject = z.record(z.string(), z.unknown());

const message = z.object({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: contentSchema,
});
const functionCall = z.object({
  type: z.literal('function_call'),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
});
const callOutput = z.object({
  type: z.enum(['function_call_output', 'custom_tool_call_output']),
  call_id: z.string(),
  output,
});
const customCall = z.object({
  type: z.literal('custom_tool_call'),
  call_id: z.string(),
  name: z.string(),
  input: z.string(),
});
const shellCall = z.object({ type: z.enum(['local_shell_call', 'shell_call']), call_id: z.string(), action: anObject });
const localShellOutput = z.object({ type: z.literal('local_shell_call_output'), id: z.string(), output: z.string() });
const shellOutput = z.object({ type: z.literal('shell_call_output'), call_id: z.string(), output: z.array(anObject) });
const patchCall = z.object({ type: z.literal('apply_patch_call'), call_id: z.string(), operation: anObject });
const patchOutput = z.object({
  type: z.literal('apply_patch_call_output'),
  call_id: z.string(),
  status: z.string(),
  output: z.string().nullish(),
});
const mcpCall = z.object({
  type: z.literal('mcp_call'),
  id: z.string(),
  name: z.string(),
  arguments: z.string(),
  output: z.string().nullish(),
  error: z.string().nullish(),
});
/** What OpenAI's servers thought and did: its text, if it had any, is in the messages behind it. */
const passedOver = z.object({
  type: z.enum([
    'reasoning',
    'web_search_call',
    'file_search_call',
    'code_interpreter_call',
    'image_generation_call',
    'mcp_list_tools',
    'mcp_approval_request',
    'mcp_approval_response',
    'tool_search_call',
    'tool_search_output',
  ]),
});
const reference = z.object({ type: z.literal('item_reference'), id: z.string() }).refine(() => false, {
  path: ['id'],
  error: 'Nothing is stored here that an item could refer to: send the item itself (clients do with `store: false`).',
});

export const inputItem = z.discriminatedUnion(
  'type',
  [
    message,
    functionCall,
    callOutput,
    customCall,
    shellCall,
    localShellOutput,
    shellOutput,
    patchCall,
    patchOutput,
    mcpCall,
    passedOver,
    reference,
  ],
  {
    error: (issue) => {
      const type = (issue.input as { type?: unknown } | null | undefined)?.type;
      return typeof type === 'string'
        ? `Items of type ${JSON.stringify(type)} are not supported here.`
        : 'Expected an item: an object with a `type`, or a message.';
    },
  },
);
export type InputItem = z.output<typeof inputItem>;
