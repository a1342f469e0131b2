/** What llama.cpp's converter calls things in most decoders (`LLM_KV_NAMES` and `LLM_TENSOR_NAMES` of llama.cpp). */
import type { GgufMapping } from '../architecture.ts';

export const decoderGguf: Pick<GgufMapping, 'configKeys' | 'tensorNames'> = {
  configKeys: {
    num_hidden_layers: 'block_count',
    max_position_embeddings: 'context_length',
    hidden_size: 'embedding_length',
    intermediate_size: 'feed_forward_length',
    num_attention_heads: 'attention.head_count',
    num_key_value_heads: 'attention.head_count_kv',
    head_dim: 'attention.key_length',
    rms_norm_eps: 'attention.layer_norm_rms_epsilon',
    sliding_window: 'attention.sliding_window',
  },
  tensorNames: {
    token_embd: 'model.embed_tokens',
    output_norm: 'model.norm',
    output: 'lm_head',
    'blk.*.attn_norm': 'model.layers.*.input_layernorm',
    'blk.*.attn_q': 'model.layers.*.self_attn.q_proj',
    'blk.*.attn_k': 'model.layers.*.self_attn.k_proj',
    'blk.*.attn_v': 'model.layers.*.self_attn.v_proj',
    'blk.*.attn_output': 'model.layers.*.self_attn.o_proj',
    'blk.*.ffn_norm': 'model.layers.*.post_attention_layernorm',
    'blk.*.ffn_gate': 'model.layers.*.mlp.gate_proj',
    'blk.*.ffn_up': 'model.layers.*.mlp.up_proj',
    'blk.*.ffn_down': 'model.layers.*.mlp.down_proj',
  },
};

/** The same for models with LayerNorm; what config.json calls its epsilon is theirs to say. */
export const layerNormGguf: typeof decoderGguf = {
  configKeys: Object.fromEntries(Object.entries(decoderGguf.configKeys).filter(([key]) => key !== 'rms_norm_eps')),
  tensorNames: decoderGguf.tensorNames,
};

/** Norms on query and key heads. */
export const headNormGguf = {
  'blk.*.attn_q_norm': 'model.layers.*.self_attn.q_norm',
  'blk.*.attn_k_norm': 'model.layers.*.self_attn.k_norm',
} as const;

/** The same for models with norms behind their blocks and on query and key heads. */
export const postNormGguf = {
  ...decoderGguf,
  tensorNames: {
    ...decoderGguf.tensorNames,
    ...headNormGguf,
    'blk.*.post_attention_norm': 'model.layers.*.post_attention_layernorm',
    'blk.*.post_ffw_norm': 'model.layers.*.post_feedforward_layernorm',
  },
};

/** Multi-head latent attention, beside what its model has of `decoderGguf`; newer files have kv_b in two. */
export const latentGguf = {
  configKeys: { q_lora_rank: 'attention.q_lora_rank', kv_lora_rank: 'attention.kv_lora_rank' },
  tensorNames: {
    'blk.*.attn_q_a': 'model.layers.*.self_attn.q_a_proj',
    'blk.*.attn_q_a_norm': 'model.layers.*.self_attn.q_a_layernorm',
    'blk.*.attn_q_b': 'model.layers.*.self_attn.q_b_proj',
    'blk.*.attn_kv_a_mqa': 'model.layers.*.self_attn.kv_a_proj_with_mqa',
    'blk.*.attn_kv_a_norm': 'model.layers.*.self_attn.kv_a_layernorm',
    'blk.*.attn_kv_b': 'model.layers.*.self_attn.kv_b_proj',
    'blk.*.attn_k_b': 'model.layers.*.self_attn.k_b_proj',
    'blk.*.attn_v_b': 'model.layers.*.self_attn.v_b_proj',
  },
} as const;

/** Keys that files may leave out. */
export const optionalKeys: ReadonlySet<string> = new Set([
  'attention.head_count_kv',
  'attention.key_length',
  'attention.q_lora_rank',
  'attention.sliding_window',
  'expert_feed_forward_length',
  'expert_gating_func',
  'expert_group_count',
  'expert_group_used_count',
  'expert_shared_count',
  'expert_shared_feed_forward_length',
  'expert_weights_norm',
  'expert_weights_scale',
  'leading_dense_block_count',
  'full_attention_interval',
  'nextn_predict_layers',
  'rope.freq_base_swa',
]);

/**
 * `blk.3.attn_q.weight` → `model.layers.3.self_attn.q_proj.weight`; a name that is not in the mapping stays as it is. Files of
 * before 2024-04 have a tensor for each expert: `blk.3.ffn_up.7.weight`, of what is `blk.3.ffn_up_exps.weight` since.
 */
export function huggingFaceName(name: string, { tensorNames }: Pick<GgufMapping, 'tensorNames'>): string {
  const layer = /^blk\.(\d+)\./.exec(name)?.[1];
  const general = layer === undefined ? name : name.replace(`blk.${layer}.`, 'blk.*.');
  const own = (key: string) => (Object.hasOwn(tensorNames, key) ? tensorNames[key].replace('*', layer ?? '') : null);
  const [, stem = '', expert, suffix = ''] = /^(.*?)(?:\.(\d+))?\.(weight|bias)$/.exec(general) ?? [];
  const stored = own(expert === undefined ? stem : `${stem}_exps`);
  if (own(general) !== null || stored === null) return own(general) ?? name;
  return `${expert === undefined ? stored : stored.replace('.experts.', `.experts.${expert}.`)}.${suffix}`;
}
