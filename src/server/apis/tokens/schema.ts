/** /tokenize and /detokenize (vLLM's shapes) and LightLLM's /tokens. */
import { z } from 'zod';
import { neutral, optional, required, tokenIds } from '../schema/fields.ts';
import { messageSchema } from '../schema/messages.ts';
import { toolSchema } from '../schema/tools.ts';

export const tokenizeRequestSchema = z
  .object({
    model: optional(z.string(), 'A served model name.'),
    prompt: optional(z.string(), 'Text to tokenize; or give `messages`.'),
    messages: optional(z.array(messageSchema).min(1), 'A conversation, rendered by the chat template.'),
    tools: optional(z.array(toolSchema).min(1), 'Tools shown to the chat template.'),
    add_special_tokens: optional(z.boolean(), 'Default true for a prompt, false for messages.'),
    add_generation_prompt: optional(z.boolean(), 'Open the assistant’s turn. Default true.'),
    continue_final_message: optional(z.boolean(), 'Leave the last message open.'),
    chat_template_kwargs: optional(z.record(z.string(), z.unknown()), 'Extra variables of the chat template.'),
    return_token_strs: optional(z.boolean(), 'Return each token’s text too.'),
    chat_template: neutral([], 'templates in requests: use --chat_template'),
  })
  .superRefine((body, ctx) => {
    if ((body.prompt === undefined) === (body.messages === undefined)) {
      ctx.addIssue({ code: 'custom', path: ['prompt'], message: 'Give either prompt or messages.' });
    }
  });

export const tokenizeResponseSchema = z.object({
  count: z.int(),
  max_model_len: z.int(),
  tokens: z.array(z.int()),
  token_strs: z.array(z.string()).nullable(),
});

export const detokenizeRequestSchema = z.object({
  model: optional(z.string(), 'A served model name.'),
  tokens: required(tokenIds, 'Token ids.'),
});
export const detokenizeResponseSchema = z.object({ prompt: z.string() });

export const countTokensRequestSchema = z.object({
  text: required(z.string(), 'Text to count the tokens of.'),
  parameters: optional(
    z.object({ add_special_tokens: optional(z.boolean(), 'Default true.') }),
    'Only add_special_tokens matters.',
  ),
  multimodal_params: neutral([], 'images and audio'),
});
export const countTokensResponseSchema = z.object({ ntokens: z.int() });
