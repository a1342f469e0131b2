/** Sampling fields that chat completions and completions share: OpenAI's, then vLLM's and LightLLM's extensions. */
import { z } from 'zod';
import { ignored, neutral, optional, tokenIds } from './fields.ts';
import { requestIdPattern } from '../../http/request-id.ts';
import { foreignConstraints, structuredOutputFields } from './structured-output.ts';

const penalty = z.number().min(-2).max(2);
const MAX_STOP_STRINGS = 16;
const stopString = z.string().min(1, 'A stop string must not be empty.');

const streamOptions = z.object({
  include_usage: optional(z.boolean(), 'Send a last chunk with `choices: []` and the usage.'),
  continuous_usage_stats: optional(z.boolean(), 'Put the usage so far into every chunk (vLLM).'),
  include_obfuscation: ignored('Padding against traffic analysis; never added here.'),
});

export const samplingFields = {
  temperature: optional(z.number().min(0).max(2), '0 is greedy. Default what the model wants (/server_info).'),
  top_p: optional(z.number().min(0).max(1), 'Nucleus sampling; 1 is off.'),
  top_k: optional(z.int().min(-1), '-1 or 0 is off.'),
  min_p: optional(z.number().min(0).max(1), 'Least probability relative to the likeliest token; 0 is off.'),
  presence_penalty: optional(penalty, 'Subtracted from the logit of every token already generated.'),
  frequency_penalty: optional(penalty, 'Subtracted once for each time a token was generated.'),
  repetition_penalty: optional(z.number().gt(0).max(100), 'Divides positive logits of tokens already seen; 1 is off.'),
  seed: optional(
    z
      .number()
      .refine(Number.isInteger, 'Expected an integer.')
      .min(-(2 ** 63))
      .max(2 ** 63),
    'Same seed and parameters, same text. -1 draws a fresh one.',
  ),
  stop: optional(
    z.union([stopString, z.array(stopString).max(MAX_STOP_STRINGS)]),
    `Up to ${MAX_STOP_STRINGS} strings that end the text; cut from it, and never streamed in part.`,
  ),
  logit_bias: optional(
    z.record(z.string().regex(/^\d+$/, 'Expected token ids as keys.'), z.number().min(-100).max(100)),
    'Token id → added to its logit.',
  ),
  min_tokens: optional(z.int().min(0), 'No end of text before this many tokens.'),
  ignore_eos: optional(z.boolean(), 'Keep generating past the end-of-text token.'),
  stop_token_ids: optional(tokenIds, 'Token ids that end the text.'),
  allowed_token_ids: optional(tokenIds.min(1), 'Only these token ids may be generated.'),
  bad_words: optional(z.array(z.string().min(1)), 'Words that may not be generated; each must be one token.'),
  skip_special_tokens: optional(z.boolean(), 'Leave special tokens out of the text. Default true.'),
  include_stop_str_in_output: optional(z.boolean(), 'Keep the stop string or stop token in the text.'),
  truncate_prompt_tokens: optional(z.int().min(1), 'Keep only the last so many tokens of the prompt.'),
  n: optional(z.int().min(1).max(128), 'Number of choices.'),
  stream: optional(z.boolean(), 'Answer as server-sent events.'),
  stream_options: optional(streamOptions, 'Only together with `stream: true`.'),
  request_id: optional(
    z.string().regex(requestIdPattern, 'Expected 1 to 128 visible ASCII characters.'),
    'Becomes part of the response id; /abort_request takes it.',
  ),
  user: ignored('End-user id.'),
  ...structuredOutputFields,
  ...foreignConstraints,
};

/** Fields of vLLM, SGLang and LightLLM that their clients and routers send with values that change nothing. */
export const neutralFields = {
  use_beam_search: neutral([false], 'beam search'),
  length_penalty: neutral([1], 'beam search'),
  early_stopping: neutral([false], 'beam search'),
  do_sample: neutral([true], 'set temperature 0 for greedy decoding'),
  spaces_between_special_tokens: neutral([true], 'tokenizer option'),
  add_spaces_between_special_tokens: neutral([true], 'tokenizer option'),
  detokenize: neutral([true], 'text is always returned'),
  prompt_logprobs: neutral([], 'logprobs of the prompt'),
  return_token_ids: neutral([false], 'token ids in the response'),
  return_tokens_as_token_ids: neutral([false], 'token ids in the response'),
  return_hidden_states: neutral([false], 'hidden states in the response'),
  priority: neutral([0], 'scheduling priority'),
  cache_salt: neutral([], 'separate prefix caches'),
  kv_transfer_params: neutral([], 'prefill/decode disaggregation'),
  no_stop_trim: neutral([false], 'use include_stop_str_in_output'),
  stop_regex: neutral([], 'stop by regular expression'),
  lora_path: neutral([], 'LoRA adapters'),
  session_params: neutral([], 'sessions'),
  custom_logit_processor: neutral([], 'logit processors in requests'),
  bootstrap_host: neutral([], 'prefill/decode disaggregation'),
  bootstrap_port: neutral([], 'prefill/decode disaggregation'),
  bootstrap_room: neutral([], 'prefill/decode disaggregation'),
};
