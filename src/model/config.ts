/**
 * The model's shape, read from a Hugging Face config.json of either generation: `rope_theta` + `rope_scaling` +
 * `torch_dtype` (transformers up to 4) or `rope_parameters` + `dtype` (from 5). GGUF metadata gives the same shape
 * (gguf-config.ts). Names are config.json's in camel case.
 */
import { z } from 'zod';
import { EngineError, oneLine } from '../errors.ts';
import { notReadable } from './files/model-file.ts';
import { ropeParametersSchema, supportedRopeTypes, type RopeParameters } from './layers/rope.ts';

export interface ModelConfig {
  /** As in config.json: `llama`, `qwen2`, `mistral`. */
  readonly modelType: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  /** The longest context that the checkpoint is made for. */
  readonly maxPositionEmbeddings: number;
  readonly rmsNormEps: number;
  readonly ropeParameters: RopeParameters;
  /** The head's matrix is the embedding's. */
  readonly tieWordEmbeddings: boolean;
  readonly biases: Biases;
  /** Per layer: how many keys a query sees, itself included; null sees all. */
  readonly slidingWindows: readonly (number | null)[];
}

/** Which linear layers have a bias vector. */
export interface Biases {
  readonly qkv: boolean;
  readonly o: boolean;
  readonly mlp: boolean;
}

/** The parts of config.json whose keys or defaults differ between architectures. */
export interface ArchitectureTraits {
  readonly biases: Biases;
  readonly slidingWindows: readonly (number | null)[];
}

export const count = z.int().positive().max(0x7fffffff);
/** Far above any model: only keeps a mistaken config from being believed. */
export const layerCount = count.max(4096);

const common = z.object({
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: layerCount,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: count,
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  original_max_position_embeddings: count.nullish(),
  partial_rotary_factor: z.number().nullish(),
  quantization_config: z.unknown().optional(),
});

type CommonConfig = z.infer<typeof common>;

/** config.json's object → ModelConfig; `file` names it in errors, `traits` reads the architecture's own keys. */
export function readHfConfig(
  json: unknown,
  file: string,
  modelType: string,
  traits: (json: unknown, numHiddenLayers: number, file: string) => ArchitectureTraits,
): ModelConfig {
  const c = parseKeys(common, json, file);
  if (c.hidden_act !== 'silu') throw unsupported(file, 'hidden_act', c.hidden_act, ['silu']);
  if (c.quantization_config !== undefined && c.quantization_config !== null)
    throw new EngineError(
      'unsupported_model',
      `${file}: quantization_config: checkpoints quantized by other tools are not supported; use the float checkpoint (with --quant int8 or int4) or a GGUF file`,
    );
  const ropeParameters = readRope(c, file);
  return checkShape(
    {
      modelType,
      vocabSize: c.vocab_size,
      hiddenSize: c.hidden_size,
      intermediateSize: c.intermediate_size,
      numHiddenLayers: c.num_hidden_layers,
      numAttentionHeads: c.num_attention_heads,
      numKeyValueHeads: c.num_key_value_heads ?? c.num_attention_heads,
      headDim: c.head_dim ?? Math.floor(c.hidden_size / c.num_attention_heads),
      maxPositionEmbeddings: longestContext(c.max_position_embeddings, ropeParameters),
      rmsNormEps: c.rms_norm_eps,
      ropeParameters,
      tieWordEmbeddings: c.tie_word_embeddings,
      ...traits(json, c.num_hidden_layers, file),
    },
    file,
  );
}

/** Both generations of rope keys → one; transformers' defaults for what old files leave out. */
function readRope(c: CommonConfig, file: string): RopeParameters {
  const given = c.rope_parameters ?? c.rope_scaling ?? {};
  const key = c.rope_parameters ? 'rope_parameters' : 'rope_scaling';
  const type = given.rope_type ?? given.type ?? 'default';
  if (typeof type !== 'string' || !supportedRopeTypes.includes(type))
    throw unsupported(file, `${key}.rope_type`, type, supportedRopeTypes);
  const partial = given.partial_rotary_factor ?? c.partial_rotary_factor ?? 1;
  if (partial !== 1) throw unsupported(file, 'partial_rotary_factor', partial, ['1']);
  const nested = Object.keys(given).find((k) => typeof given[k] === 'object' && given[k] !== null);
  if (nested) throw unsupported(file, `${key}.${nested}`, given[nested], ['one set of parameters for all layers']);
  const merged = {
    rope_theta: c.rope_theta ?? 10000,
    ...given,
    rope_type: type,
    original_max_position_embeddings:
      c.original_max_position_embeddings ?? given.original_max_position_embeddings ?? c.max_position_embeddings,
  };
  return parseKeys(ropeParametersSchema, merged, file, key);
}

/** Checkpoints whose card tells users to switch YaRN on (Qwen2.5) leave max_position_embeddings at the length without it. */
function longestContext(maxPositionEmbeddings: number, rope: RopeParameters): number {
  if (rope.rope_type !== 'yarn') return maxPositionEmbeddings;
  return Math.max(maxPositionEmbeddings, Math.floor(rope.original_max_position_embeddings * rope.factor));
}

/** What the arithmetic needs of the sizes, whichever file they came from. */
export function checkShape(config: ModelConfig, file: string): ModelConfig {
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

/** zod parse whose failure is one line naming file and key. */
export function parseKeys<S extends z.ZodType>(schema: S, value: unknown, file: string, prefix = ''): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = [...(prefix ? [prefix] : []), ...issue.path.map(String)].join('.');
  const missing = issue.code === 'invalid_type' && /received undefined/.test(issue.message);
  const what = missing ? 'is missing' : issue.message.replace(/^Invalid input: /, '');
  throw notReadable(file, `${key || 'the file'}: ${what}`);
}

export function unsupported(file: string, key: string, value: unknown, supported: readonly string[]): EngineError {
  // GGUF metadata holds 64-bit integers, which are no JSON.
  const shown = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return new EngineError(
    'unsupported_model',
    `${file}: ${oneLine(`${key} ${shown} is not supported; supported: ${supported.join(', ')}`)}`,
  );
}
