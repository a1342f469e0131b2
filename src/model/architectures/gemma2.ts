/**
 * Gemma 2 (Gemma Team 2024, arXiv:2408.00118): Gemma 3 without norms on query and key heads, with one rotation, a window in
 * every other layer, and attention scores and logits kept within bounds by tanh.
 */
import { z } from 'zod';
import { readDecoderConfig, readKeys, requireValue } from '../config.ts';
import { readRope } from '../rope-config.ts';
import { readWindows } from '../window-config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { gemma3Text } from './gemma3_text.ts';

/** Null in a file: no cap. */
const cap = (fallback: number) => z.number().positive().nullable().default(fallback);

const ownKeys = z.object({
  query_pre_attn_scalar: z.number().positive().nullish(),
  attention_bias: z.boolean().default(false),
  attn_logit_softcapping: cap(50),
  final_logit_softcapping: cap(30),
  use_bidirectional_attention: z.boolean().nullish(),
});

export const gemma2: typeof gemma3Text = {
  ...gemma3Text,
  modelType: 'gemma2',
  gguf: {
    name: 'gemma2',
    permutesQK: false,
    configKeys: {
      ...decoderGguf.configKeys,
      attn_logit_softcapping: 'attn_logit_softcapping',
      final_logit_softcapping: 'final_logit_softcapping',
    },
    tensorNames: {
      ...decoderGguf.tensorNames,
      'blk.*.post_attention_norm': 'model.layers.*.post_attention_layernorm',
      'blk.*.ffn_norm': 'model.layers.*.pre_feedforward_layernorm',
      'blk.*.post_ffw_norm': 'model.layers.*.post_feedforward_layernorm',
    },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const defaults = { activation: 'gelu_pytorch_tanh', headDim: 256, tieWordEmbeddings: true };
    const shared = readDecoderConfig(source, 'gemma2', defaults);
    for (const key of ['use_bidirectional_attention', 'attention_bias'] as const)
      requireValue(source, key, c[key] ?? false, false);
    const rope = readRope(source);
    // The 27B model divides by H / Hq, which GGUF files leave to be known; the others by D.
    const scalar = shared.numHiddenLayers === 46 ? shared.hiddenSize / shared.numAttentionHeads : shared.headDim;
    return {
      ...shared,
      slidingWindows: readWindows(source, shared.numHiddenLayers, { window: 4096, fullEvery: 2 }),
      ropeFull: rope,
      ropeSliding: rope,
      queryPreAttnScalar: c.query_pre_attn_scalar ?? scalar,
      hasHeadNorms: false,
      attentionSoftcap: c.attn_logit_softcapping,
      finalSoftcap: c.final_logit_softcapping,
    };
  },
};
