/**
 * The model's shape, read from a Hugging Face config.json of either generation: `rope_theta` + `rope_scaling` +
 * `torch_dtype` (transformers up to 4) or `rope_parameters` + `dtype` (from 5). GGUF metadata comes as the same keys
 * (files/gguf-config.ts). Names are config.json's in camel case. Each architecture adds keys of its own.
 */
import { z } from 'zod';
import { EngineError, oneLine } from '../errors.ts';
import type { Activation } from '../kernels/ops.ts';
import { notReadable } from './files/model-file.ts';

/** What the engine needs of every model. */
export interface ModelConfig {
  /** As in config.json: `llama`, `qwen2`, `mistral`. */
  readonly modelType: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  /** The longest context that the checkpoint is made for. */
  readonly maxPositionEmbeddings: number;
  /** Layers behind these that guess tokens ahead (num_nextn_predict_layers); their tensors are left unread. */
  readonly draftLayers?: number;
}

/** What most decoders have besides. */
export interface DecoderConfig extends ModelConfig {
  readonly intermediateSize: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  /** Of all its norms. */
  readonly normEps: number;
  /** Of its MLPs. */
  readonly activation: Activation;
  /** The head's matrix is the embedding's. */
  readonly tieWordEmbeddings: boolean;
}

/** config.json's object, or the same keys made of GGUF metadata, and how to name them in errors. */
export interface ConfigSource {
  readonly json: unknown;
  readonly file: string;
  /** What the file itself calls this key of config.json, dots between levels. */
  keyName(key: string): string;
}

export const count = z.int().positive().max(0x7fffffff);
/** Far above any model: only keeps a mistaken config from being believed. */
export const MOST_LAYERS = 4096;
export const layerCount = count.max(MOST_LAYERS);

/** Keys of config.json that most decoders have. */
const decoderKeys = z.object({
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: layerCount,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().nullish(),
  hidden_activation: z.string().nullish(),
  max_position_embeddings: count,
  tie_word_embeddings: z.boolean().nullish(),
});

/** transformers' defaults for keys that a config.json leaves out, where architectures differ. */
export interface DecoderDefaults {
  readonly activation?: string;
  readonly headDim?: number;
  readonly tieWordEmbeddings?: boolean;
  readonly normEps?: number;
  /** What config.json calls it; `rms_norm_eps` unless said otherwise. */
  readonly normEpsKey?: string;
}

/** The keys that most decoders share; refuses by name what no such decoder computes. */
export function readDecoderConfig(
  source: ConfigSource,
  modelType: string,
  { activation = 'silu', headDim, tieWordEmbeddings = false, ...norms }: DecoderDefaults = {},
): DecoderConfig {
  const c = readKeys(source, decoderKeys);
  const key = c.hidden_activation ? 'hidden_activation' : 'hidden_act';
  return checkHeads(source, {
    modelType,
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    numHiddenLayers: c.num_hidden_layers,
    numAttentionHeads: c.num_attention_heads,
    numKeyValueHeads: c.num_key_value_heads ?? c.num_attention_heads,
    headDim: c.head_dim ?? headDim ?? Math.floor(c.hidden_size / c.num_attention_heads),
    maxPositionEmbeddings: c.max_position_embeddings,
    normEps: readNormEps(source, norms),
    activation: activationNamed(source, key, c[key] ?? activation),
    tieWordEmbeddings: c.tie_word_embeddings ?? tieWordEmbeddings,
  });
}

function readNormEps(source: ConfigSource, { normEps = 1e-6, normEpsKey = 'rms_norm_eps' }: DecoderDefaults): number {
  const eps = z.number().positive().nullish();
  return readKeys(source, z.object({ [normEpsKey]: eps }))[normEpsKey] ?? normEps;
}

/** transformers' names of the activations that there are. */
const activations: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
  relu2: 'relu2',
};

/** @param key of config.json that says `name` */
export function activationNamed(source: ConfigSource, key: string, name: string): Activation {
  if (Object.hasOwn(activations, name)) return activations[name];
  throw unsupported(source.file, source.keyName(key), name, Object.keys(activations));
}

/** What the arithmetic needs of the heads, whichever file they came from. */
export function checkHeads<C extends Pick<DecoderConfig, 'headDim' | 'numAttentionHeads' | 'numKeyValueHeads'>>(
  { file }: ConfigSource,
  config: C,
): C {
  const { headDim, numAttentionHeads, numKeyValueHeads } = config;
  if (headDim % 2 !== 0 || headDim === 0)
    throw new EngineError('unsupported_model', `${file}: head_dim is ${headDim}; rotary embedding needs an even one`);
  if (numAttentionHeads % numKeyValueHeads !== 0)
    throw new EngineError(
      'model_not_readable',
      `${file}: num_attention_heads (${numAttentionHeads}) is not a multiple of num_key_value_heads (${numKeyValueHeads})`,
    );
  return config;
}

/** Refuses a key with another value than the one that is computed. */
export function requireValue<T>(source: ConfigSource, key: string, value: T, supported: T): void {
  if (value !== supported) throw unsupported(source.file, source.keyName(key), value, [String(supported)]);
}

/** The keys of `schema` in a model's config. */
export function readKeys<S extends z.ZodType>(source: ConfigSource, schema: S): z.infer<S> {
  return parse(schema, source.json, source.file, (path) => source.keyName(path.join('.')));
}

/** zod parse of any JSON file whose failure is one line naming file and key. */
export function parseKeys<S extends z.ZodType>(schema: S, value: unknown, file: string, prefix = ''): z.infer<S> {
  return parse(schema, value, file, (path) => [...(prefix ? [prefix] : []), ...path].join('.'));
}

function parse<S extends z.ZodType>(
  schema: S,
  value: unknown,
  file: string,
  nameOf: (path: readonly string[]) => string,
): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const missing = issue.code === 'invalid_type' && /received undefined/.test(issue.message);
  const what = missing ? 'is missing' : issue.message.replace(/^Invalid input: /, '');
  throw notReadable(file, `${nameOf(issue.path.map(String)) || 'the file'}: ${what}`);
}

/** @param key as the file calls it */
export function unsupported(file: string, key: string, value: unknown, supported: readonly string[]): EngineError {
  // GGUF metadata holds 64-bit integers, which are no JSON.
  const shown = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return new EngineError(
    'unsupported_model',
    `${file}: ${oneLine(`${key} ${shown} is not supported; supported: ${supported.join(', ')}`)}`,
  );
}

/**
 * The same config with some keys under the names that most use.
 * @param names name that most use → name in this config
 */
export function withKeys(source: ConfigSource, names: Readonly<Record<string, string>>): ConfigSource {
  const json = source.json as Record<string, unknown>;
  const renamed = Object.entries(names).flatMap(([key, own]) => (json[own] === undefined ? [] : [[key, json[own]]]));
  const all = { ...json, ...(Object.fromEntries(renamed) as object) };
  return { ...source, json: all, keyName: (key) => source.keyName(names[key] ?? key) };
}

/** The same file, where it has one of two names of the same key: transformers takes either (its attribute_map). */
export function withEither(source: ConfigSource, names: Readonly<Record<string, string>>): ConfigSource {
  const json = source.json as Record<string, unknown>;
  const given = Object.entries(names).filter(([key, other]) => json[key] === undefined && json[other] !== undefined);
  return withKeys(source, Object.fromEntries(given));
}

/** The same file, as if it said these. */
export function withValues(source: ConfigSource, values: Readonly<Record<string, unknown>>): ConfigSource {
  return { ...source, json: { ...(source.json as object), ...values } };
}

/** config.json itself. */
export function jsonSource(json: unknown, file: string): ConfigSource {
  return { json, file, keyName: (key) => key };
}

export function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
