/** ModelConfig from GGUF metadata (keys: ggml/docs/gguf.md, `LLM_KV_NAMES` of llama.cpp) and the tensors that are there. */
import { z } from 'zod';
import { EngineError } from '../../errors.ts';
import type { Architecture } from '../causal-lm.ts';
import { checkShape, count, layerCount, parseKeys, unsupported, type ModelConfig } from '../config.ts';
import { ROPE_FACTORS, huggingFaceName, storedTensor } from './gguf-tensors.ts';
import type { Gguf } from './gguf.ts';
import { notReadable, type ModelFile } from './model-file.ts';
import { ropeParametersSchema, type RopeParameters } from '../layers/rope.ts';
import { readVector } from './stored-tensor.ts';

const positive = z.number().positive();

/** Keys without their `general.architecture.` prefix. */
const keys = z.object({
  block_count: layerCount,
  context_length: count,
  embedding_length: count,
  feed_forward_length: count,
  'attention.head_count': count,
  'attention.head_count_kv': count.optional(),
  'attention.key_length': count.optional(),
  'attention.value_length': count.optional(),
  'attention.layer_norm_rms_epsilon': positive,
  'attention.sliding_window': z.int().nonnegative().optional(),
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
});

type Keys = z.infer<typeof keys>;

export function readGgufConfig(gguf: Gguf, file: ModelFile, architecture: Architecture): ModelConfig {
  const prefix = String(gguf.metadata.get('general.architecture'));
  const c = parseKeys(keys, withoutPrefix(gguf, prefix), file.path, prefix);
  if (c.expert_count > 0)
    throw new EngineError('unsupported_model', `${file.path}: ${prefix}.expert_count: mixtures of experts do not load`);
  const heads = c['attention.head_count'];
  const headDim = c['attention.key_length'] ?? Math.floor(c.embedding_length / heads);
  for (const key of ['attention.value_length', 'rope.dimension_count'] as const)
    if ((c[key] ?? headDim) !== headDim)
      throw unsupported(file.path, `${prefix}.${key}`, c[key], [`the head dimension, ${headDim}`]);
  const names = new Set(gguf.tensors.map((tensor) => huggingFaceName(tensor.name)));
  return checkShape(
    {
      modelType: architecture.modelType,
      vocabSize: vocabSize(gguf, c, file.path, prefix),
      hiddenSize: c.embedding_length,
      intermediateSize: c.feed_forward_length,
      numHiddenLayers: c.block_count,
      numAttentionHeads: heads,
      numKeyValueHeads: c['attention.head_count_kv'] ?? heads,
      headDim,
      maxPositionEmbeddings: c.context_length,
      rmsNormEps: c['attention.layer_norm_rms_epsilon'],
      ropeParameters: readRope(gguf, c, headDim, file, prefix),
      tieWordEmbeddings: !names.has('lm_head.weight'),
      // Metadata does not say which layers have biases: the tensors do.
      biases: {
        qkv: names.has('model.layers.0.self_attn.q_proj.bias'),
        o: names.has('model.layers.0.self_attn.o_proj.bias'),
        mlp: names.has('model.layers.0.mlp.gate_proj.bias'),
      },
      slidingWindows: Array<number | null>(c.block_count).fill(c['attention.sliding_window'] || null),
    },
    file.path,
  );
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

function readRope(gguf: Gguf, c: Keys, headDim: number, file: ModelFile, prefix: string): RopeParameters {
  const rope_theta = c['rope.freq_base'];
  const factors = gguf.tensors.find((tensor) => tensor.name === ROPE_FACTORS);
  if (factors) {
    const [length] = factors.shape;
    if (factors.shape.length !== 1 || length !== headDim / 2)
      throw notReadable(
        file.path,
        `tensor ${ROPE_FACTORS} is [${factors.shape.join(', ')}]; a head dimension of ${headDim} needs [${headDim / 2}]`,
      );
    const values = [...readVector(storedTensor(file, factors, ROPE_FACTORS))];
    return parseKeys(ropeParametersSchema, { rope_type: 'frequency_factors', rope_theta, factors: values }, file.path);
  }
  const factor = c['rope.scaling.factor'] ?? c['rope.scale_linear'];
  const type = c['rope.scaling.type'] === 'none' && c['rope.scale_linear'] ? 'linear' : c['rope.scaling.type'];
  switch (type) {
    case 'none':
      return { rope_type: 'default', rope_theta };
    case 'linear':
      return parseKeys(ropeParametersSchema, { rope_type: 'linear', rope_theta, factor }, file.path, 'rope.scaling');
    case 'yarn':
      return parseKeys(ropeParametersSchema, yarn(c, factor), file.path, `${prefix}.rope.scaling`);
    default:
      throw unsupported(file.path, `${prefix}.rope.scaling.type`, type, ['none', 'linear', 'yarn']);
  }
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
