/** LightLLM's own API: /generate and /generate_stream. Ranges and messages are LightLLM's. */
import { z } from 'zod';
import { foreignConstraints, structuredOutputFields } from '../schema/structured-output.ts';
import { ignored, neutral, optional, required, tokenIds } from '../schema/fields.ts';

/** `end`: some of LightLLM's sentences have a full stop, some have none. */
const got = (text: string, end = '') => ({
  error: (issue: { readonly input?: unknown }) => `${text}, got ${JSON.stringify(issue.input)}${end}`,
});
const atLeast = (min: number, name: string) =>
  z.number(got(`${name} must >= ${min.toFixed(1)}`)).min(min, got(`${name} must >= ${min.toFixed(1)}`));
const choices = (rule: string) => {
  const range = { error: (issue: { readonly input?: unknown }) => `${rule}, but got ${JSON.stringify(issue.input)}` };
  return z.int().min(1, range).max(8, range);
};
const tokens = (name: string) => z.int().min(1, got(`${name} must be at least 1`, '.'));

const stopString = z.string().min(1).max(256, 'stop sequence string too long.');
const stopIds = tokenIds.min(1).max(256, 'stop token length too long.');
const stopSequences = z.union([
  stopString,
  z.array(stopString).max(10, 'Too many stop sequence groups.'),
  z.array(stopIds).max(10, 'Too many stop sequence groups.'),
]);

/** [start, factor]: only factor 1, which does nothing, is supported. */
const lengthPenalty = z
  .array(z.number())
  .length(2)
  .superRefine(([start, factor], ctx) => {
    const issue = (message: string): void => ctx.addIssue({ code: 'custom', message });
    if (!Number.isInteger(start) || start < 0) issue('ExponentialDecayLengthPenalty item0 must be int >= 0');
    if (factor < 1) issue('ExponentialDecayLengthPenalty item1 must be a float >= 1.0');
    if (factor > 1) issue('Not supported here: only a factor of 1.0, which does nothing, is accepted.');
  });

const seedRule = 'seed must be -1 (random), or an integer in [0, 2^63-1]';
const exclusive = ['regular_constraint', 'guided_regex', 'allowed_token_ids', 'guided_grammar', 'guided_json'] as const;

/**
 * text-generation-inference's parameters that LightLLM takes and drops, with the values that ask for nothing: any other
 * one is named in the answer.
 */
const dropped = {
  typical_p: [1],
  return_full_text: [false],
  watermark: [false],
  decoder_input_details: [false],
} as const;
const droppedNames = Object.keys(dropped) as (keyof typeof dropped)[];
const droppedFields = Object.fromEntries(
  droppedNames.map((name) => [name, ignored('text-generation-inference’s; named in `x-skipped-parameters`.')]),
) as Record<keyof typeof dropped, ReturnType<typeof ignored>>;

/** The names of those that ask for something. */
export function droppedOf(parameters: Partial<Record<keyof typeof dropped, unknown>>): string[] {
  return droppedNames.filter((name) => {
    const neutralValues: readonly unknown[] = [undefined, null, ...dropped[name]];
    return !neutralValues.includes(parameters[name]);
  });
}

const parametersSchema = z
  .object({
    do_sample: optional(z.boolean(), 'false (default) is greedy, whatever the temperature.'),
    temperature: optional(
      z.number().min(0, got('temperature must > 0.0')),
      '0 is greedy. Default what the model wants (/server_info).',
    ),
    top_p: optional(
      z.number().gt(0, got('top_p must be in (0.0, 1.0]')).max(1, got('top_p must be in (0.0, 1.0]')),
      'Nucleus sampling; 1 is off.',
    ),
    top_k: optional(
      z.int().refine((k) => k === -1 || k >= 1, got('top_k must be -1 (disable), or at least 1', '.')),
      '-1 is off.',
    ),
    presence_penalty: optional(atLeast(0, 'presence_penalty'), 'Subtracted from logits of tokens already generated.'),
    frequency_penalty: optional(atLeast(0, 'frequency_penalty'), 'Subtracted once for each earlier occurrence.'),
    repetition_penalty: optional(atLeast(1, 'repetition_penalty'), 'Divides positive logits of tokens seen; 1 is off.'),
    best_of: optional(choices('need 0 < best_of <= 8'), 'Number of answers; 1 when streaming.'),
    n: optional(choices('need 0 < n <= 8, n <= best_of'), 'Must equal best_of.'),
    max_new_tokens: optional(tokens('max_new_tokens'), 'Longest answer; default and limit the rest of the context.'),
    min_new_tokens: optional(tokens('min_new_tokens'), 'No end of text before this many tokens.'),
    ignore_eos: optional(z.boolean(), 'Keep generating past the end-of-text token.'),
    stop_sequences: optional(stopSequences, 'Strings, or lists of token ids, that end the text; cut from it.'),
    allowed_token_ids: optional(
      tokenIds.min(1).max(256, 'Too many allowed token IDs.'),
      'Only these may be generated.',
    ),
    logit_bias: optional(
      z.record(z.string().regex(/^\d+$/, 'Expected token ids as keys.'), z.number().min(-100).max(100)),
      'Token id → added to its logit.',
    ),
    seed: optional(
      z.number().refine((n) => Number.isInteger(n) && n >= -1 && n < 2 ** 63, got(seedRule)),
      '-1 is random.',
    ),
    skip_special_tokens: optional(z.boolean(), 'Leave special tokens out of the text. Default false.'),
    add_special_tokens: optional(z.boolean(), 'Tokenize `inputs` with BOS. Default true.'),
    print_eos_token: optional(z.boolean(), 'Keep the end-of-text token in the text.'),
    return_details: optional(z.boolean(), 'Return the tokens with their log probabilities.'),
    input_penalty: neutral([false], 'penalties over the prompt'),
    add_spaces_between_special_tokens: neutral([true], 'tokenizer option'),
    exponential_decay_length_penalty: optional(lengthPenalty, 'Only a factor of 1.0, which does nothing.'),
    ...structuredOutputFields,
    ...foreignConstraints,
    regular_constraint: optional(z.string(), 'The whole answer matches this regular expression.'),
    guided_grammar: optional(z.string(), 'The answer follows this EBNF grammar, beginning at `root`.'),
    guided_json: optional(
      z.union([z.string(), z.record(z.string(), z.unknown())]),
      'The answer is JSON of this schema, as an object or as text.',
    ),
    prompt_logprobs: neutral([-1], 'logprobs of the prompt'),
    disable_prompt_cache: neutral([false], 'prefix cache for each request'),
    image_max_patch_num: ignored('For vision models.'),
    group_request_id: ignored('Internal to LightLLM.'),
    suggested_dp_index: ignored('Internal to LightLLM.'),
    move_kv_to_decode_node: neutral([], 'prefill/decode disaggregation'),
    truncate: optional(z.int().min(1), 'Keeps the last so many tokens of the prompt (text-generation-inference).'),
    ...droppedFields,
    top_n_tokens: neutral([0], 'alternatives of each token'),
    adapter_id: optional(z.string(), 'Name of the loaded adapter that the answer is computed with.'),
  })
  .superRefine((parameters, ctx) => {
    const { best_of = 1, n = best_of, min_new_tokens: min = 1, max_new_tokens: max } = parameters;
    const issue = (field: string, message: string): void => ctx.addIssue({ code: 'custom', path: [field], message });
    const given = exclusive.filter((name) => parameters[name] !== undefined && parameters[name] !== '');
    if (given.length > 1) issue(given[1], `${given[0]} and ${given[1]} can not be used in same time`);
    if (n !== best_of) issue('n', 'current only supported n == best_of');
    if (max !== undefined && min > max) {
      issue('min_new_tokens', `min_new_tokens must <= max_new_tokens, but got min ${min}, max ${max}.`);
    }
  });
export type Parameters = z.output<typeof parametersSchema>;

/** text-generation-inference's names for parameters → LightLLM's. */
const tgiNames: Readonly<Record<string, string>> = {
  details: 'return_details',
  stop: 'stop_sequences',
  num_beam: 'best_of',
};

/** What is no object stays as it is, for parametersSchema to refuse. */
function fromTgi(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [tgiNames[key] ?? key, v as unknown]));
}

/** `tgi`: parameters come under text-generation-inference's names (--use_tgi_api). */
export function generateRequestSchema(tgi: boolean) {
  const parameters = tgi ? z.preprocess(fromTgi, parametersSchema) : parametersSchema;
  return z.object({
    inputs: required(
      z.union([z.string('Expected a string'), tokenIds.min(1, 'prompt_ids is empty')]),
      'Text or token ids to continue.',
    ),
    parameters: optional(parameters, 'How to generate.'),
    stream: optional(z.boolean(), 'For `/`: answer as /generate_stream does.'),
    multimodal_params: neutral([], 'images and audio'),
  });
}
export type GenerateRequest = z.output<ReturnType<typeof generateRequestSchema>>;

const scalarOrList = <T extends z.ZodType>(schema: T) => z.union([schema, z.array(schema)]);
const tokenSchema = z.object({
  id: z.int(),
  text: z.string(),
  logprob: z.number().nullable(),
  special: z.boolean(),
  count_output_tokens: z.int(),
  prompt_tokens: z.int(),
});
export type WireToken = z.output<typeof tokenSchema>;

/** With return_details. */
const detailedTokenSchema = tokenSchema.extend({
  /** Sum of the logprobs up to this token. */
  cumlogprob: z.number().nullable(),
  /** Prompt tokens that came from the prefix cache. */
  prompt_cache_len: z.int(),
});
export type DetailedToken = z.output<typeof detailedTokenSchema>;

export const generateResponseSchema = z.object({
  generated_text: z.array(z.string()),
  count_output_tokens: scalarOrList(z.int()),
  finish_reason: scalarOrList(z.string()),
  prompt_tokens: scalarOrList(z.int()),
  tokens: z.array(z.union([detailedTokenSchema, z.array(detailedTokenSchema)])).optional(),
  input_usage: z.object({
    input_text_tokens: z.int(),
    input_audio_tokens: z.literal(0),
    input_image_tokens: z.literal(0),
  }),
});

export const tgiResponseSchema = z.object({ generated_text: z.string(), details: z.unknown().optional() });

export const generateEventSchema = z.object({
  token: tokenSchema,
  generated_text: z.string().nullable(),
  finished: z.boolean(),
  finish_reason: z.string().nullable(),
  details: z.unknown().nullable(),
});
