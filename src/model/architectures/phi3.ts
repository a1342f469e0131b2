/**
 * Phi-3 and Phi-4-mini (Abdin et al. 2024, arXiv:2404.14219): Llama with q, k and v stored as one matrix, gate and up as
 * another, LongRoPE, and a window over all layers. Of each head a part may rotate.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys, withValues, type ConfigSource } from '../config.ts';
import { readRotaryDim } from '../rope-config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { lin } from '../weights/spec.ts';
import {
  llama,
  llamaLayerWeights,
  llamaWeights,
  readLlamaConfig,
  type LlamaConfig,
  type LlamaWeights,
} from './llama.ts';

const ownKeys = z.object({
  sliding_window: count.nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
});

/** Earlier releases call LongRoPE `su` or `yarn`. */
function withLongrope(source: ConfigSource): ConfigSource {
  const { rope_scaling } = readKeys(source, ownKeys);
  const type = rope_scaling?.rope_type ?? rope_scaling?.type;
  if (type !== 'su' && type !== 'yarn') return source;
  return withValues(source, { rope_scaling: { ...rope_scaling, rope_type: 'longrope' } });
}

export const phi3: Architecture<LlamaConfig, LlamaWeights> = {
  ...llama,
  modelType: 'phi3',
  gguf: {
    name: 'phi3',
    permutesQK: false,
    rotatesPart: true,
    configKeys: decoderGguf.configKeys,
    tensorNames: {
      ...decoderGguf.tensorNames,
      'blk.*.attn_qkv': 'model.layers.*.self_attn.qkv_proj',
      'blk.*.ffn_up': 'model.layers.*.mlp.gate_up_proj',
    },
  },

  config: (source) => {
    const { sliding_window = null } = readKeys(source, ownKeys);
    const shared = readLlamaConfig(withLongrope(source), 'phi3', { normEps: 1e-5, allowsPartial: true });
    return {
      ...shared,
      rotaryDim: readRotaryDim(source, shared.headDim),
      biases: { qkv: false, o: false, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(sliding_window),
    };
  },

  weights: (c) =>
    llamaWeights(c, (prefix) => ({
      ...llamaLayerWeights(c, prefix),
      qkv: lin(
        { [`${prefix}.self_attn.qkv_proj`]: (c.numAttentionHeads + 2 * c.numKeyValueHeads) * c.headDim },
        c.hiddenSize,
      ),
      gateUp: lin({ [`${prefix}.mlp.gate_up_proj`]: 2 * c.intermediateSize }, c.hiddenSize),
    })),
};
