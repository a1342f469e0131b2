/** The fields that say what an answer must look like: OpenAI's response_format, vLLM's and SGLang's names beside it. */
import { z } from 'zod';
import { EngineError } from '../../../errors.ts';
import { neutral, optional } from './fields.ts';

const schema = z.union(
  [z.record(z.string(), z.unknown()), z.boolean()],
  'Expected a JSON Schema: an object or a boolean.',
);
const schemaOrText = z.union([z.string().min(1), schema], 'Expected a JSON Schema, as an object or as text.');
const choices = z.array(z.string()).min(1);
const tagFormat = z.record(z.string(), z.unknown());

/** text-generation-inference's. */
const typedGrammars = [
  z.object({ type: z.literal('json'), value: schemaOrText }),
  z.object({ type: z.literal('regex'), value: z.string().min(1) }),
] as const;

const grammar = z.union([
  z.string('Expected a string').min(1),
  z.discriminatedUnion(
    'type',
    [
      ...typedGrammars,
      z.object({ type: z.literal('json_schema'), value: z.object({ name: z.string().nullish(), schema }) }),
    ],
    { error: 'Expected GBNF as text, or an object with a type of "json", "json_schema" or "regex".' },
  ),
]);

const responseFormatSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object'), schema: schema.nullish(), value: schema.nullish() }),
    ...typedGrammars,
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({
        name: z.string(),
        description: z.string().nullish(),
        schema: schema.nullish(),
        strict: z.boolean().nullish(),
      }),
    }),
    z.object({
      type: z.literal('structural_tag'),
      format: tagFormat.nullish(),
      structures: z.array(z.object({ begin: z.string(), schema: schema.nullish(), end: z.string() })).nullish(),
      triggers: z.array(z.string().min(1)).nullish(),
    }),
  ],
  { error: 'Expected a type of "text", "json_object", "json_schema", "json", "regex" or "structural_tag".' },
);

export const structuredOutputFields = {
  response_format: optional(responseFormatSchema, 'JSON, JSON of a schema, or text with tagged parts.'),
  structured_outputs: optional(
    z.strictObject({
      disable_fallback: z.unknown().optional(),
      disable_additional_properties: z.unknown().optional(),
      disable_any_whitespace: z.literal(false).nullish(),
      json: schemaOrText.nullish(),
      regex: z.string().nullish(),
      choice: choices.nullish(),
      grammar: z.string().nullish(),
      json_object: z.boolean().nullish(),
      structural_tag: z.string().nullish(),
    }),
    'The constraints below as one object (vLLM).',
  ),
  guided_json: optional(schemaOrText, 'The answer is JSON of this schema (vLLM).'),
  guided_regex: optional(z.string().min(1), 'The whole answer matches this regular expression (vLLM).'),
  guided_grammar: optional(z.string().min(1), 'The answer follows this EBNF grammar, beginning at `root` (vLLM).'),
  guided_choice: optional(choices, 'The answer is one of these strings (vLLM).'),
  json_schema: optional(schemaOrText, 'guided_json (SGLang).'),
  regex: optional(z.string().min(1), 'guided_regex (SGLang).'),
  ebnf: optional(z.string().min(1), 'guided_grammar (SGLang).'),
  grammar: optional(grammar, 'A grammar in GBNF (llama.cpp), or {type: json | json_schema | regex, value} (TGI).'),
  structural_tag: optional(z.string().min(1), 'An xgrammar structural tag as JSON text (SGLang).'),
};

/** Fields of other servers that would constrain the answer: refused rather than ignored. */
export const foreignConstraints = {
  grammar_lazy: neutral([false], 'grammars that begin at a trigger: use structural_tag'),
  grammar_triggers: neutral([], 'grammars that begin at a trigger: use structural_tag'),
  guided_whitespace_pattern: neutral([], 'white space of JSON'),
  guided_decoding: neutral([], 'use structured_outputs'),
  nvext: neutral([], 'use structured_outputs'),
  format: neutral([''], 'use response_format'),
};

const constraintNames = Object.keys(structuredOutputFields) as (keyof typeof structuredOutputFields)[];
type ConstraintName = (typeof constraintNames)[number];

/** The fields of `body` that constrain its answer, those that are given. */
export function constraintsOf<Body extends Partial<Record<ConstraintName, unknown>>>(
  body: Body,
): Pick<Body, keyof Body & ConstraintName> {
  const given = constraintNames.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]]));
  return Object.fromEntries(given) as Pick<Body, keyof Body & ConstraintName>;
}

type ResponseFormat = z.output<typeof responseFormatSchema>;

/**
 * constraintsOf, where an API has a field of its own for response_format.
 * @param own what that field asks for
 * @throws EngineError invalid_value when both are there
 */
export function constraintsWith<Body extends Partial<Record<ConstraintName, unknown>>>(
  body: Body,
  own: ResponseFormat | undefined,
): Pick<Body, keyof Body & ConstraintName> & { response_format?: ResponseFormat } {
  const given = constraintsOf(body);
  if (own === undefined || own.type === 'text') return given as typeof given & { response_format?: ResponseFormat };
  if (body.response_format !== undefined) {
    const message = 'response_format: cannot be used together with this API’s own field for it.';
    throw new EngineError('invalid_value', message, { param: 'response_format' });
  }
  return { ...given, response_format: own };
}
