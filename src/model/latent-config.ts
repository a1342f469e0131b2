/** How a config says multi-head latent attention (layers/latent-attention.ts). */
import { z } from 'zod';
import { EngineError } from '../errors.ts';
import type { LatentLayerCache } from './cache-plan.ts';
import { count, readKeys, type ConfigSource } from './config.ts';
import type { LatentDims } from './layers/latent-attention.ts';

const latentKeys = z.object({
  num_attention_heads: count,
  q_lora_rank: count.nullish(),
  kv_lora_rank: count,
  qk_nope_head_dim: count,
  qk_rope_head_dim: count,
  v_head_dim: count.nullish(),
});

/** @param fallback for a config that does not say v_head_dim */
export function readLatentDims(source: ConfigSource, fallback?: number): LatentDims {
  const c = readKeys(source, fallback === undefined ? latentKeys.required({ v_head_dim: true }) : latentKeys);
  if (c.qk_rope_head_dim % 2 !== 0) {
    const key = source.keyName('qk_rope_head_dim');
    const why = `${key} is ${c.qk_rope_head_dim}; rotary embedding needs an even one`;
    throw new EngineError('unsupported_model', `${source.file}: ${why}`);
  }
  return {
    numAttentionHeads: c.num_attention_heads,
    qLoraRank: c.q_lora_rank ?? null,
    kvLoraRank: c.kv_lora_rank,
    qkNopeHeadDim: c.qk_nope_head_dim,
    qkRopeHeadDim: c.qk_rope_head_dim,
    vHeadDim: c.v_head_dim ?? fallback ?? 0,
  };
}

export function latentCache({ kvLoraRank, qkRopeHeadDim }: LatentDims): LatentLayerCache {
  return { kind: 'latent', rank: kvLoraRank, ropeDim: qkRopeHeadDim };
}
