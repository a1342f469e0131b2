/**
 * Hunyuan, dense (Tencent 2025, model cards of Hunyuan-0.5B to 7B): Llama with RMSNorm on each query and key head behind the
 * rotation, whose base is stretched by `alpha`.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys, withValues, type ConfigSource } from '../config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { headNormVecs } from '../weights/spec.ts';
import {
  llama,
  llamaLayerWeights,
  llamaWeights,
  readLlamaConfig,
  type LlamaConfig,
  type LlamaWeights,
} from './llama.ts';

const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  alpha: z.number().nullish(),
});
const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  hidden_size: count,
  num_attention_heads: count,
  head_dim: count.nullish(),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.extend({ rope_theta: z.number().positive().optional() }).nullish(),
});

/**
 * Files say `dynamic` with an `alpha`: the base is stretched once, whatever the length of a sequence
 * (compute_ntk_alpha_rope_parameters of transformers).
 */
function withStretchedBase(source: ConfigSource, c: z.infer<typeof ownKeys>): ConfigSource {
  const given = c.rope_parameters ?? c.rope_scaling ?? {};
  const { alpha } = given;
  if ((given.rope_type ?? given.type) !== 'dynamic' || !alpha) return source;
  const dim = c.head_dim ?? Math.floor(c.hidden_size / c.num_attention_heads);
  const theta = c.rope_parameters?.rope_theta ?? c.rope_theta ?? 10000;
  const rope_parameters = { rope_type: 'default', rope_theta: theta * alpha ** (dim / (dim - 2)) };
  return withValues(source, { rope_theta: null, rope_parameters });
}

export const hunyuanV1Dense: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'hunyuan_v1_dense',
  gguf: {
    name: 'hunyuan-dense',
    permutesQK: false,
    configKeys: decoderGguf.configKeys,
    tensorNames: {
      ...decoderGguf.tensorNames,
      'blk.*.attn_q_norm': 'model.layers.*.self_attn.query_layernorm',
      'blk.*.attn_k_norm': 'model.layers.*.self_attn.key_layernorm',
    },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const bias = c.attention_bias;
    const shared = readLlamaConfig(withStretchedBase(source, c), 'hunyuan_v1_dense', { normEps: 1e-5 });
    return {
      ...shared,
      normsRotated: true,
      biases: { qkv: bias, o: bias, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(null),
    };
  },

  weights: (c) =>
    llamaWeights(c, (prefix) => ({
      ...llamaLayerWeights(c, prefix),
      headNorms: headNormVecs(`${prefix}.self_attn`, c.headDim, ['query_layernorm', 'key_layernorm']),
    })),
};
