/** POST /v1/messages and /v1/messages/count_tokens: Anthropic's chat shape. */
import { z } from 'zod';
import { ignored, neutral, optional, required } from '../schema/fields.ts';

const text = z.object({ type: z.literal('text'), text: z.string() });
const toolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const toolResult = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string('Expected a string'), z.array(text, 'Expected text blocks')]).nullish(),
  is_error: z.boolean().nullish(),
});
const thinking = z.object({ type: z.literal('thinking'), thinking: z.string() });
const redacted = z.object({ type: z.literal('redacted_thinking') });

const block = z.discriminatedUnion('type', [text, toolUse, toolResult, thinking, redacted], {
  error: 'Expected a text, tool_use, tool_result or thinking block: this server reads text only.',
});
const message = z.object({
  role: z.enum(['user', 'assistant']),
  content: z.union([z.string('Expected a string'), z.array(block, 'Expected an array of blocks').min(1)]),
});
export type AnthropicMessage = z.output<typeof message>;

const tool = z.object({
  type: z.literal('custom', 'Only tools with an input_schema are supported.').nullish(),
  name: z.string().regex(/^[a-zA-Z0-9_.-]{1,64}$/, 'Expected 1 to 64 letters, digits, `_`, `-` or `.`.'),
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()),
});

const toolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auto'), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({ type: z.literal('any'), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({ type: z.literal('none') }),
]);

const promptFields = {
  model: required(z.string(), 'A served model name.'),
  messages: required(z.array(message).min(1), 'The conversation so far.'),
  system: optional(z.union([z.string('Expected a string'), z.array(text)]), 'System prompt.'),
  tools: optional(z.array(tool).max(128), 'Functions the model may call.'),
  tool_choice: optional(toolChoice, 'auto, any, tool or none.'),
  thinking: optional(
    z.object({ type: z.enum(['enabled', 'disabled', 'adaptive']) }),
    'Sets enable_thinking for the chat template.',
  ),
};

export const countRequestSchema = z.object(promptFields);
export const countResponseSchema = z.object({ input_tokens: z.int() });

export const messagesRequestSchema = z.object({
  ...promptFields,
  max_tokens: required(z.int().min(1), 'Longest answer.'),
  temperature: optional(z.number().min(0).max(2), '0 is greedy.'),
  top_p: optional(z.number().min(0).max(1), 'Nucleus sampling; 1 is off.'),
  top_k: optional(z.int().min(-1), '-1 or 0 is off.'),
  stop_sequences: optional(z.array(z.string().min(1)).max(16), 'Strings that end the text; cut from it.'),
  stream: optional(z.boolean(), 'Answer as server-sent events.'),
  metadata: ignored('End-user id.'),
  service_tier: ignored('There is one tier.'),
  mcp_servers: neutral([], 'MCP servers'),
  container: neutral([], 'containers'),
});
export type MessagesRequest = z.output<typeof messagesRequestSchema>;
export type CountRequest = z.output<typeof countRequestSchema>;

const outputBlock = z.discriminatedUnion('type', [text, toolUse, thinking.extend({ signature: z.string() })]);
export type OutputBlock = z.output<typeof outputBlock>;

export const messagesResponseSchema = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(outputBlock),
  stop_reason: z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use']).nullable(),
  stop_sequence: z.string().nullable(),
  usage: z.object({
    input_tokens: z.int(),
    output_tokens: z.int(),
    cache_read_input_tokens: z.int(),
    cache_creation_input_tokens: z.int(),
  }),
});
export type WireMessage = z.output<typeof messagesResponseSchema>;

export const messagesEventSchema = z.object({ type: z.string() }).loose();
