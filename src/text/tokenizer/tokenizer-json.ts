/**
 * The parts of Hugging Face's tokenizer.json that this folder looks into, and what a tokenizer is built from.
 * Source: the serialization of https://github.com/huggingface/tokenizers.
 */
import { z } from 'zod';
import { EngineError, oneLine } from '../../errors.ts';

/** One `added_tokens` entry: matched whole in the text before anything else. `special` ones are hidden from output. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly normalized: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
}

/** A normalizer, pre-tokenizer, decoder or post-processor: `type` and what that type needs. */
export interface Component {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Component | null;
  readonly pre_tokenizer: Component | null;
  readonly post_processor: Component | null;
  readonly decoder: Component | null;
  readonly model: { readonly type: string; readonly vocab: unknown; readonly [key: string]: unknown };
}

/** Everything about a model's text side, wherever it was read from. */
export interface TokenizerSource {
  readonly json: TokenizerJson;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly chatTemplate: string | null;
  /** A second template that the model brings for requests with tools (`tool_use`). */
  readonly toolUseTemplate: string | null;
  /** bos_token, eos_token, pad_token, unk_token … by their tokenizer_config.json names. */
  readonly specialTokens: Readonly<Record<string, string>>;
}

/** A pre-tokenizer or decoder as a flat list: the members of a `Sequence`, or the one component, or none. */
export function flatten(component: Component | null, members: 'pretokenizers' | 'decoders'): Component[] {
  if (!component) return [];
  if (component.type !== 'Sequence') return [component];
  const list = component[members];
  if (!Array.isArray(list))
    throw new EngineError('model_not_readable', `tokenizer.json: a Sequence without ${members}`);
  return (list as Component[]).flatMap((member) => flatten(member, members));
}

/** `<bos> text <eos>` as a post-processor; null when nothing is added. */
export function bosEosTemplate(bos: string | null, eos: string | null): Component | null {
  const special = (token: string | null) => (token === null ? [] : [{ SpecialToken: { id: token, type_id: 0 } }]);
  if (bos === null && eos === null) return null;
  const single = [...special(bos), { Sequence: { id: 'A', type_id: 0 } }, ...special(eos)];
  return { type: 'TemplateProcessing', single, pair: single };
}

/** Far above any vocabulary: tables are made with as many entries as the highest id says. */
const MAX_TOKEN_ID = (1 << 22) - 1;
const tokenId = z.int().min(0).max(MAX_TOKEN_ID);
const component = z.looseObject({ type: z.string() }).nullable().default(null);

// Vocabularies and merges are long: checked by hand, which is ten times as fast as a schema for each entry.
const isId = (id: unknown): boolean => Number.isInteger(id) && (id as number) >= 0 && (id as number) <= MAX_TOKEN_ID;
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const vocabulary = z.custom<object>(
  (v) =>
    Array.isArray(v)
      ? v.every((entry) => Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number')
      : isObject(v) && Object.values(v).every(isId),
  `expected token ids from 0 to ${MAX_TOKEN_ID} by token, or pairs of token and score`,
);
const merges = z.custom<unknown[]>(
  (v) => Array.isArray(v) && v.every((m) => typeof m === 'string' || (Array.isArray(m) && m.length === 2)),
  'expected pairs of tokens',
);

const fileSchema = z.looseObject({
  added_tokens: z
    .array(
      z.looseObject({
        id: tokenId,
        content: z.string(),
        special: z.boolean().default(false),
        normalized: z.boolean().default(false),
      }),
    )
    .default([]),
  normalizer: component,
  pre_tokenizer: component,
  post_processor: component,
  decoder: component,
  model: z.looseObject({ vocab: vocabulary, merges: merges.optional() }),
});

/** tokenizer.json's value, checked as far as this folder and the library read it. Throws model_not_readable naming `file` and key. */
export function parseTokenizerJson(value: unknown, file: string): TokenizerJson {
  return parseText(fileSchema, value, file) as unknown as TokenizerJson;
}

const templateList = z.array(z.looseObject({ name: z.string(), template: z.string() }));
const configSchema = z.looseObject({
  chat_template: z.union([z.string(), templateList], 'expected a text or a list of {name, template}').nullish(),
});

/** tokenizer_config.json's or special_tokens_map.json's value; errors as above. */
export function parseTokenizerConfig(value: unknown, file: string): z.infer<typeof configSchema> {
  return parseText(configSchema, value, file);
}

function parseText<S extends z.ZodType>(schema: S, value: unknown, file: string): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue.path.map(String).join('.') || 'the file';
  throw new EngineError(
    'model_not_readable',
    `${file}: ${oneLine(`${key}: ${issue.message.replace(/^Invalid input: /, '')}`)}`,
  );
}
