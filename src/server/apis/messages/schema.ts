/** POST /v1/messages and /v1/messages/count_tokens: Anthropic's chat shape. */
import { z } from 'zod';
import { foreignConstraints, structuredOutputFields } from '../schema/structured-output.ts';
import { ignored, neutral, optional, required } from '../schema/fields.ts';
import { expectedRole } from '../schema/messages.ts';
import { passOver, reasoningEffort, skippedTool, toolName } from '../schema/tools.ts';

const text = z.object({ type: z.literal('text'), text: z.string() });
const toolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const searchResult = z.object({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: z.array(text),
});
const toolReference = z.object({ type: z.literal('tool_reference'), tool_name: z.string() });

const unknownBlock = (issue: { input?: unknown }): string => {
  const type = (issue.input as { type?: unknown } | null)?.type;
  return typeof type === 'string'
    ? `Blocks of type ${JSON.stringify(type)} are not supported here: this server reads text only.`
    : 'A block needs a `type`.';
};
const blocks = <T extends z.ZodType>(block: T) =>
  z.union([z.string('Expected a string'), z.array(block, 'Expected an array of blocks')]);

const toolResult = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: blocks(z.discriminatedUnion('type', [text, searchResult, toolReference], { error: unknownBlock })).nullish(),
  is_error: z.boolean().nullish(),
});
const thinking = z.object({ type: z.literal('thinking'), thinking: z.string() });
/** Nothing in them is for another model: encrypted thoughts, and what Anthropic's servers did. */
const skipped = z.object({
  type: z.enum([
    'redacted_thinking',
    'server_tool_use',
    'web_search_tool_result',
    'web_fetch_tool_result',
    'code_execution_tool_result',
    'bash_code_execution_tool_result',
    'text_editor_code_execution_tool_result',
    'tool_search_tool_result',
  ]),
});

const block = z.discriminatedUnion('type', [text, toolUse, toolResult, searchResult, thinking, skipped], {
  error: unknownBlock,
});
const filled = z.union([
  z.string('Expected a string'),
  z.array(block, 'Expected an array of blocks').min(1, 'Expected at least one block: the list is empty.'),
]);
/** Claude Code puts system messages between the others. */
const kinds = [
  z.object({ role: z.enum(['user', 'assistant']), content: filled }),
  z.object({
    role: z.enum(['system', 'developer']),
    content: blocks(z.discriminatedUnion('type', [text], { error: unknownBlock })),
  }),
] as const;
const message = z.discriminatedUnion('role', kinds, { error: expectedRole(kinds) });
export type AnthropicMessage = z.output<typeof message>;

const ownTool = z.object({
  type: z.literal('custom', 'Only tools with an input_schema are supported.').nullish(),
  name: toolName,
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
});
export type OwnTool = z.output<typeof ownTool>;
/** Types of Anthropic's own tools end with a date (`web_search_20250305`): its models know them, or its servers run them. */
const tool = z.preprocess(
  passOver((type) => /_\d{8}$|^mcp_toolset$/.test(type)),
  z.discriminatedUnion('type', [ownTool, skippedTool], { error: 'Only tools with an input_schema are supported.' }),
);

const toolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auto'), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({ type: z.literal('any'), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({ type: z.literal('none') }),
]);

const outputFormat = z.object({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) });

const promptFields = {
  model: required(z.string(), 'A served model name.'),
  messages: required(z.array(message).min(1), 'The conversation so far.'),
  system: optional(blocks(text), 'System prompt.'),
  tools: optional(
    z.array(tool).max(128),
    'Functions the model may call; Anthropic’s own tools are left out, with a note.',
  ),
  tool_choice: optional(toolChoice, 'auto, any, tool or none.'),
  thinking: optional(
    z.object({ type: z.enum(['enabled', 'disabled', 'adaptive', 'between_tools']) }),
    'Sets enable_thinking for the chat template.',
  ),
  output_config: optional(
    z.object({ effort: reasoningEffort.nullish(), format: outputFormat.nullish() }),
    '`effort` is given to the chat template as reasoning_effort; `format`: the answer is JSON of its schema.',
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
  output_format: optional(outputFormat, 'Older name of output_config.format.'),
  ...structuredOutputFields,
  ...foreignConstraints,
  metadata: ignored('End-user id.'),
  service_tier: ignored('There is one tier.'),
  speed: ignored('There is one speed.'),
  context_management: ignored('Nothing is cleared: send what the model shall see.'),
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
