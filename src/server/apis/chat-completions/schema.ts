/** POST /v1/chat/completions: request and responses. */
import { z } from 'zod';
import { finishReasonSchema, usageSchema } from '../schema/common.ts';
import { ignored, neutral, optional, required } from '../schema/fields.ts';
import { messageSchema, toolCallSchema } from '../schema/messages.ts';
import { neutralFields, samplingFields } from '../schema/sampling.ts';
import { reasoningEffort, toolChoiceSchema, toolSchema } from '../schema/tools.ts';

const maxTokens = z.int().min(1, 'Must be at least 1.');

const fields = z.object({
  model: optional(z.string(), 'A served model name; absent means the served model.'),
  messages: required(z.array(messageSchema).min(1), 'The conversation so far.'),
  ...samplingFields,
  max_completion_tokens: optional(maxTokens, 'Longest answer; default the rest of the context.'),
  max_tokens: optional(maxTokens, 'Older name of max_completion_tokens, which wins.'),
  logprobs: optional(z.boolean(), 'Return the log probability of each token.'),
  top_logprobs: optional(z.int().min(0).max(20), 'Alternatives at each token; needs `logprobs: true`.'),
  tools: optional(z.array(toolSchema).min(1).max(128), 'Functions the model may call.'),
  tool_choice: optional(toolChoiceSchema, '"none", "auto" (the default with tools), "required" or one function.'),
  parallel_tool_calls: optional(
    z.boolean(),
    'false: at most one call; default true; false for required calls where the chat template knows no tools.',
  ),
  reasoning_effort: optional(reasoningEffort, 'Given to the chat template.'),
  separate_reasoning: optional(z.boolean(), 'Split reasoning into reasoning_content. Default true.'),
  chat_template_kwargs: optional(z.record(z.string(), z.unknown()), 'Extra variables of the chat template.'),
  add_generation_prompt: optional(z.boolean(), 'Open the assistant’s turn. Default true.'),
  continue_final_message: optional(z.boolean(), 'Go on with the last message instead of opening a new turn.'),
  add_special_tokens: optional(z.boolean(), 'Add the tokenizer’s own BOS to the rendered prompt. Default false.'),
  chat_template: neutral([], 'templates in requests: use --chat_template'),
  documents: neutral([], 'retrieval documents'),
  echo: neutral([false], 'use /v1/completions'),
  functions: neutral([], 'deprecated: use tools'),
  function_call: neutral(['none'], 'deprecated: use tool_choice'),
  stream_reasoning: ignored('Reasoning is always streamed as it comes.'),
  role_settings: ignored('LightLLM field for role-play models.'),
  character_settings: ignored('LightLLM field for role-play models.'),
  modalities: optional(z.array(z.literal('text', 'Only text output is supported.')), 'Only ["text"].'),
  audio: neutral([], 'audio output'),
  web_search_options: neutral([], 'web search'),
  safety_identifier: ignored('End-user id.'),
  prompt_cache_key: ignored('Prefixes are always cached.'),
  prompt_cache_retention: ignored('Prefixes are cached until their slots are needed.'),
  metadata: ignored('Labels for OpenAI’s dashboard.'),
  store: ignored('Nothing is stored.'),
  service_tier: ignored('There is one tier.'),
  verbosity: ignored('Hint for OpenAI’s models.'),
  prediction: ignored('Predicted output; affects speed only.'),
  moderation: ignored('Moderation options.'),
  ...neutralFields,
});

export const chatRequestSchema = fields.superRefine((body, ctx) => {
  const issue = (field: string, message: string): void => ctx.addIssue({ code: 'custom', path: [field], message });
  if (body.top_logprobs !== undefined && body.logprobs !== true) issue('top_logprobs', 'Needs `logprobs: true`.');
  if (body.stream_options !== undefined && body.stream !== true) issue('stream_options', 'Needs `stream: true`.');
  if (body.add_generation_prompt === true && body.continue_final_message === true) {
    issue('continue_final_message', 'Cannot be true together with add_generation_prompt.');
  }
});
export type ChatRequest = z.output<typeof chatRequestSchema>;

const tokenLogprob = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });
export const tokenLogprobSchema = tokenLogprob.extend({ top_logprobs: z.array(tokenLogprob) });
const logprobsSchema = z.object({
  content: z.array(tokenLogprobSchema),
  refusal: z.null(),
});

export const chatResponseSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  system_fingerprint: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.null(),
        reasoning_content: z.string().optional(),
        tool_calls: z.array(toolCallSchema).optional(),
      }),
      logprobs: logprobsSchema.nullable(),
      finish_reason: finishReasonSchema,
      stop_reason: z.union([z.string(), z.int()]).nullable(),
    }),
  ),
  usage: usageSchema,
});

const toolCallDelta = z.object({
  index: z.int(),
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string().optional(), arguments: z.string().optional() }),
});

export const chatChunkSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  system_fingerprint: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.object({
        role: z.literal('assistant').optional(),
        content: z.string().optional(),
        reasoning_content: z.string().optional(),
        tool_calls: z.array(toolCallDelta).optional(),
      }),
      logprobs: logprobsSchema.nullable(),
      finish_reason: finishReasonSchema.nullable(),
      stop_reason: z.union([z.string(), z.int()]).nullable().optional(),
    }),
  ),
  usage: usageSchema.nullable().optional(),
});

export type ChatResponse = z.output<typeof chatResponseSchema>;
export type ChatChunk = z.output<typeof chatChunkSchema>;
export type ChatLogprobs = z.output<typeof logprobsSchema>;
