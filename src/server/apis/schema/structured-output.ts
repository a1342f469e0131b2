/** The fields that say what an answer must look like: OpenAI's response_format, vLLM's and SGLang's names beside it. */
import { z } from 'zod';
import { optional } from './fields.ts';

const schema = z.union(
  [z.record(z.string(), z.unknown()), z.boolean()],
  'Expected a JSON Schema: an object or a boolean.',
);
const schemaOrText = z.union([z.string().min(1), schema], 'Expected a JSON Schema, as an object or as text.');
const choices = z.array(z.string()).min(1);
const tagFormat = z.record(z.string(), z.unknown());

export const responseFormatSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object'), schema: schema.nullish() }),
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
  { error: 'Expected a type of "text", "json_object", "json_schema" or "structural_tag".' },
);

export const structuredOutputFields = {
  response_format: optional(responseFormatSchema, 'JSON, JSON of a schema, or text with tagged parts.'),
  structured_outputs: optional(
    z.object({
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
  structural_tag: optional(z.string().min(1), 'An xgrammar structural tag as JSON text (SGLang).'),
};
