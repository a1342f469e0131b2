/** POST /v1/responses: OpenAI's newer chat shape. Stateless: nothing is stored. */
import { z } from 'zod';
import { foreignConstraints, structuredOutputFields } from '../schema/structured-output.ts';
import { ignored, neutral, optional, required } from '../schema/fields.ts';
import { tokenLogprobSchema } from '../chat-completions/schema.ts';
import { reasoningEffort } from '../schema/tools.ts';
import { inputItem } from './input-items.ts';
import { responsesTool, responsesToolChoice } from './tools.ts';

const format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({ type: z.literal('json_schema'), name: z.string() }).loose(),
]);

export const responsesRequestSchema = z.object({
  model: optional(z.string(), 'A served model name; absent means the served model.'),
  input: required(
    z.union([
      z.string('Expected a string'),
      z.array(inputItem, 'Expected an array of items').min(1, 'Expected at least one item: the list is empty.'),
    ]),
    'Text, or the items so far.',
  ),
  instructions: optional(z.string(), 'Becomes the first system message.'),
  max_output_tokens: optional(z.int().min(1), 'Longest answer; default the rest of the context.'),
  temperature: optional(z.number().min(0).max(2), '0 is greedy.'),
  top_p: optional(z.number().min(0).max(1), 'Nucleus sampling; 1 is off.'),
  tools: optional(
    z.array(responsesTool).max(128),
    'Functions the model may call; tools of other types are left out, with a note.',
  ),
  tool_choice: optional(responsesToolChoice, '"none", "auto" (default), "required", one function or allowed_tools.'),
  parallel_tool_calls: optional(
    z.boolean(),
    'false: at most one call; default true; false for required calls where the chat template knows no tools.',
  ),
  text: optional(
    z.object({ format: optional(format, 'Form of the text.'), verbosity: z.unknown() }).partial(),
    'Form of the text.',
  ),
  reasoning: optional(
    z
      .object({
        effort: reasoningEffort.nullish(),
        summary: z.unknown(),
      })
      .partial(),
    '`effort` is given to the chat template.',
  ),
  stream: optional(z.boolean(), 'Answer as server-sent events.'),
  stream_options: ignored('Obfuscation is never added.'),
  ...structuredOutputFields,
  ...foreignConstraints,
  previous_response_id: neutral([], 'stored responses: send the whole input'),
  conversation: neutral([], 'stored conversations'),
  background: neutral([false], 'answers in the background'),
  truncation: optional(
    z.enum(['auto', 'disabled']),
    '"auto": a conversation that does not fit loses its oldest messages.',
  ),
  store: ignored('Nothing is stored.'),
  include: optional(
    z.array(z.string()),
    '`message.output_text.logprobs` gives log probabilities; there is nothing else to include.',
  ),
  metadata: optional(z.record(z.string(), z.unknown()), 'Labels; the response repeats them.'),
  user: ignored('End-user id.'),
  safety_identifier: ignored('End-user id.'),
  prompt_cache_key: ignored('Prefixes are always cached.'),
  prompt_cache_retention: ignored('Prefixes are cached until their slots are needed.'),
  service_tier: ignored('There is one tier.'),
  max_tool_calls: ignored('There are no built-in tools.'),
  context_management: ignored('Nothing is compacted.'),
  client_metadata: ignored('Codex’s labels.'),
  moderation: ignored('Moderation options.'),
  prompt_cache_options: ignored('Prefixes are always cached.'),
  top_logprobs: optional(
    z.int().min(0).max(20),
    'Alternatives at each token, where `include` asks for log probabilities.',
  ),
  prompt: neutral([], 'stored prompts'),
});
export type ResponsesRequest = z.output<typeof responsesRequestSchema>;

const status = z.enum(['in_progress', 'completed', 'incomplete', 'failed']);
const outputItem = z.discriminatedUnion('type', [
  z.object({
    id: z.string(),
    type: z.literal('message'),
    role: z.literal('assistant'),
    status,
    content: z.array(
      z.object({
        type: z.literal('output_text'),
        text: z.string(),
        annotations: z.array(z.never()),
        logprobs: z.array(tokenLogprobSchema),
      }),
    ),
  }),
  z.object({
    id: z.string(),
    type: z.literal('function_call'),
    status,
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
  }),
  z.object({
    id: z.string(),
    type: z.literal('reasoning'),
    status,
    summary: z.array(z.never()),
    content: z.array(z.object({ type: z.literal('reasoning_text'), text: z.string() })),
  }),
]);
export type OutputItem = z.output<typeof outputItem>;

export const responseSchema = z.object({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int(),
  status,
  model: z.string(),
  output: z.array(outputItem),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z.object({ reason: z.string() }).nullable(),
  usage: z
    .object({
      input_tokens: z.int(),
      output_tokens: z.int(),
      total_tokens: z.int(),
      input_tokens_details: z.object({ cached_tokens: z.int() }),
      output_tokens_details: z.object({ reasoning_tokens: z.int() }),
    })
    .nullable(),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  temperature: z.number().nullable(),
  top_p: z.number().nullable(),
  tools: z.array(z.unknown()),
  tool_choice: z.unknown(),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.null(),
  store: z.literal(false),
  metadata: z.record(z.string(), z.unknown()),
  text: z.object({ format: z.unknown() }),
  background: z.literal(false),
  truncation: z.enum(['auto', 'disabled']),
  reasoning: z.object({ effort: z.string().nullable(), summary: z.null() }),
});
export type WireResponse = z.output<typeof responseSchema>;

export const inputTokensSchema = z.object({ object: z.literal('response.input_tokens'), input_tokens: z.int() });

export const responseEventSchema = z.object({ type: z.string(), sequence_number: z.int() }).loose();
