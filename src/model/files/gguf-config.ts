/**
 * GGUF metadata as the config.json that it was made of, so that an architecture reads one thing (keys:
 * ggml/docs/gguf.md, `LLM_KV_NAMES` of llama.cpp). What metadata does not say, the tensors that are there do.
 */
import { z } from 'zod';
import { EngineError } from '../../errors.ts';
import type { GgufMapping } from '../architecture.ts';
import { count, MOST_LAYERS, parseKeys, unsupported, type ConfigSource } from '../config.ts';
import { FREQUENCY_FACTORS } from '../layers/rope.ts';
import { latentKeys } from './gguf-latent.ts';
import { huggingFaceName, optionalKeys } from './gguf-names.ts';
import { ROPE_FACTORS, storedTensor } from './gguf-tensors.ts';
import type { Gguf, GgufTensorInfo } from './gguf.ts';
import { notReadable, type ModelFile } from './model-file.ts';
import { readVector } from './stored-tensor.ts';

const positive = z.number().positive();

/** Keys without their `general.architecture.` prefix that are looked at here. */
const keys = z.object({
  context_length: count,
  embedding_length: count,
  /** 0 in models without attention. */
  'attention.head_count': z.int().nonnegative(),
  'attention.key_length': count.optional(),
  'attention.value_length': count.optional(),
  'attention.key_length_mla': count.optional(),
  'attention.value_length_mla': count.optional(),
  expert_count: z.int().nonnegative().default(0),
  vocab_size: count.optional(),
  'rope.freq_base': positive.default(10000),
  'rope.dimension_count': count.optional(),
  'rope.scale_linear': positive.optional(),
  'rope.scaling.type': z.string().default('none'),
  'rope.scaling.factor': positive.optional(),
  'rope.scaling.attn_factor': positive.optional(),
  'rope.scaling.original_context_length': count.optional(),
  'rope.scaling.yarn_beta_fast': positive.optional(),
  'rope.scaling.yarn_beta_slow': positive.optional(),
  'rope.scaling.yarn_log_multiplier': positive.optional(),
});

type Keys = z.infer<typeof keys>;

export function ggufConfigSource(gguf: Gguf, file: ModelFile, mapping: GgufMapping): ConfigSource {
  const prefix = mapping.name;
  const metadata = withoutPrefix(gguf, prefix);
  const shape = mappedKeys(metadata, file.path, mapping);
  const c = parseKeys(keys, metadata, file.path, prefix);
  if (c.expert_count > 0 && !Object.values(mapping.configKeys).includes('expert_count'))
    throw unsupported(file.path, `${prefix}.expert_count`, c.expert_count, ['0, no experts']);
  const latent = mapping.isLatent ? latentKeys(c, file.path, prefix) : null;
  const heads = c['attention.head_count'];
  const plainDim = c['attention.key_length'] ?? (heads > 0 ? Math.floor(c.embedding_length / heads) : 0);
  const headDim = latent?.qk_rope_head_dim ?? plainDim;
  const rotaryDim = c['rope.dimension_count'] ?? headDim;
  const wholeHead = ['attention.value_length', ...(mapping.rotatesPart ? [] : ['rope.dimension_count'])] as const;
  for (const key of (latent ? [] : wholeHead) as readonly ('attention.value_length' | 'rope.dimension_count')[])
    if ((c[key] ?? headDim) !== headDim)
      throw unsupported(file.path, `${prefix}.${key}`, c[key], [`the head dimension, ${headDim}`]);
  const json = {
    ...mapping.absent,
    ...(plainDim > 0 && { head_dim: plainDim }),
    ...shape,
    ...withoutDrafts(shape),
    ...layerTypes(metadata),
    ...latent,
    ...(headDim > 0 && { partial_rotary_factor: rotaryDim / headDim }),
    ...whatTensorsSay(gguf, mapping),
    ...mapping.more?.(metadata),
    vocab_size: vocabSize(gguf, c, file.path, prefix),
    rope_parameters: { ...ropeParameters(gguf, c, headDim, file, prefix), ...(latent && latentYarn(c)) },
  };
  return { json, file: file.path, keyName: (key) => metadataKey(key, mapping) };
}

/** Metadata counts layers that guess tokens ahead among the others, config.json does not. */
function withoutDrafts({ num_hidden_layers, num_nextn_predict_layers }: Record<string, unknown>) {
  if (typeof num_hidden_layers !== 'number' || typeof num_nextn_predict_layers !== 'number') return {};
  return { num_hidden_layers: num_hidden_layers - num_nextn_predict_layers };
}

/** The architecture's own keys; 0 stands for none. */
function mappedKeys(metadata: Record<string, unknown>, path: string, mapping: GgufMapping): Record<string, unknown> {
  const entries = Object.entries(mapping.configKeys).map(([key, own]) => {
    const value = metadata[own];
    if (value === undefined && !optionalKeys.has(own)) throw notReadable(path, `${mapping.name}.${own}: is missing`);
    return [key, value === 0 ? null : value] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Which layers have a window, where metadata says so: layer by layer (an array of bool), or by every how many one has none. */
function layerTypes(metadata: Record<string, unknown>): Record<string, unknown> {
  const pattern = metadata['attention.sliding_window_pattern'];
  if (typeof pattern === 'number') return { sliding_window_pattern: pattern };
  if (!(pattern instanceof Uint8Array)) return {};
  // One more than a model may have, so that a wrong length is seen whatever it is.
  const slides = [...pattern.subarray(0, MOST_LAYERS + 1)];
  return { layer_types: slides.map((slide) => (slide ? 'sliding_attention' : 'full_attention')) };
}

/** What config.json says and metadata does not: tied heads, biases, norms of heads. */
function whatTensorsSay(gguf: Gguf, mapping: GgufMapping): Record<string, unknown> {
  const names = new Set(gguf.tensors.map((tensor) => huggingFaceName(tensor.name, mapping)));
  const hasBias = gguf.tensors.some(({ name }) => /^blk\.0\.attn_q(kv)?\.bias$/.test(name));
  const present = Object.entries(mapping.present ?? {}).map(([key, name]) => [key, names.has(name)] as const);
  return {
    ...Object.fromEntries(present),
    tie_word_embeddings: !names.has('lm_head.weight'),
    attention_bias: hasBias,
    use_qkv_bias: hasBias,
    use_bias: hasBias,
    use_qk_norm: names.has('model.layers.0.self_attn.q_norm.weight'),
    attention_out_bias: names.has('model.layers.0.self_attn.o_proj.bias'),
    mlp_bias: names.has('model.layers.0.mlp.gate_proj.bias'),
  };
}

/** `rope_parameters.factor` → `llama.rope.scaling.factor` */
function metadataKey(key: string, mapping: GgufMapping): string {
  const [first, ...rest] = key.split('.');
  const own = first === 'rope_parameters' ? 'rope.scaling' : (mapping.configKeys[first] ?? first);
  return [mapping.name, own, ...rest].join('.');
}

function withoutPrefix(gguf: Gguf, prefix: string): Record<string, unknown> {
  const entries = [...gguf.metadata].filter(([key]) => key.startsWith(`${prefix}.`));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length + 1), value]));
}

/** The embedding's rows; older files have no vocab_size, and some count tokens that the embedding does not have. */
function vocabSize(gguf: Gguf, c: Keys, path: string, prefix: string): number {
  const embedding = gguf.tensors.find((tensor) => tensor.name === 'token_embd.weight');
  const size = embedding?.shape[0] ?? c.vocab_size;
  if (size !== undefined) return size;
  throw new EngineError('model_not_readable', `${path}: neither ${prefix}.vocab_size nor token_embd.weight is there`);
}

function ropeParameters(
  gguf: Gguf,
  c: Keys,
  headDim: number,
  file: ModelFile,
  prefix: string,
): Record<string, unknown> {
  const rope_theta = c['rope.freq_base'];
  const tensors = new Map(gguf.tensors.map((tensor) => [tensor.name, tensor]));
  const factors = tensors.get(ROPE_FACTORS);
  if (factors) {
    const [length] = factors.shape;
    if (factors.shape.length !== 1 || length !== headDim / 2)
      throw notReadable(
        file.path,
        `tensor ${ROPE_FACTORS} is [${factors.shape.join(', ')}]; a head dimension of ${headDim} needs [${headDim / 2}]`,
      );
    const values = [...readVector(storedTensor(factors, ROPE_FACTORS))];
    return { rope_type: FREQUENCY_FACTORS, rope_theta, factors: values };
  }
  if (tensors.has('rope_factors_long.weight')) return longrope(c, tensors, file);
  const factor = c['rope.scaling.factor'] ?? c['rope.scale_linear'];
  const type = c['rope.scaling.type'] === 'none' && c['rope.scale_linear'] ? 'linear' : c['rope.scaling.type'];
  if (Object.hasOwn(scalings, type)) return scalings[type as keyof typeof scalings](c, factor);
  throw unsupported(file.path, `${prefix}.rope.scaling.type`, type, Object.keys(scalings));
}

/** `rope.scaling.type` → rope_parameters */
const scalings = {
  none: (c) => ({ rope_type: 'default', rope_theta: c['rope.freq_base'] }),
  linear: (c, factor) => ({ rope_type: 'linear', rope_theta: c['rope.freq_base'], factor }),
  yarn,
} satisfies Record<string, (c: Keys, factor: number | undefined) => Record<string, unknown>>;

/** Phi-3's: two tensors of divisors, and the attention factor as it is. */
function longrope(c: Keys, tensors: ReadonlyMap<string, GgufTensorInfo>, file: ModelFile): Record<string, unknown> {
  const read = (name: string) => {
    const info = tensors.get(name);
    if (!info) throw notReadable(file.path, `tensor ${name} is missing`);
    return [...readVector(storedTensor(info, name))];
  };
  return {
    rope_type: 'longrope',
    rope_theta: c['rope.freq_base'],
    long_factor: read('rope_factors_long.weight'),
    short_factor: read('rope_factors_short.weight'),
    original_max_position_embeddings: c['rope.scaling.original_context_length'] ?? c.context_length,
    attention_factor: c['rope.scaling.attn_factor'],
  };
}

/**
 * A tenth of mscale_all_dim of DeepSeek's config.json, whose mscale is the same: all of YaRN's temperature is in the scale of
 * scores (llama.cpp's conversion/deepseek.py and models/deepseek2.cpp).
 */
function latentYarn({ 'rope.scaling.yarn_log_multiplier': multiplier }: Keys): Record<string, unknown> {
  if (multiplier === undefined) return {};
  return { mscale: 10 * multiplier, mscale_all_dim: 10 * multiplier, attention_factor: undefined };
}

/** `attn_factor` multiplies YaRN's own attention temperature in llama.cpp; transformers' attention_factor replaces it. */
function yarn(c: Keys, factor: number | undefined): Record<string, unknown> {
  const own = factor !== undefined && factor > 1 ? 0.1 * Math.log(factor) + 1 : 1;
  return {
    rope_type: 'yarn',
    rope_theta: c['rope.freq_base'],
    factor,
    original_max_position_embeddings: c['rope.scaling.original_context_length'] ?? c.context_length,
    attention_factor: (c['rope.scaling.attn_factor'] ?? 1) * own,
    beta_fast: c['rope.scaling.yarn_beta_fast'],
    beta_slow: c['rope.scaling.yarn_beta_slow'],
  };
}
