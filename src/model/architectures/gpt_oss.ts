/**
 * gpt-oss (OpenAI 2025, arXiv:2508.10925): mixtures of experts with biases and a clamped SwiGLU, a sink in each head's softmax, and a
 * window in every other layer.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys, requireValue, withValues, type ConfigSource } from '../config.ts';
import { checkExperts, routeSpec, softmaxExperts, type ExpertConfig } from '../expert-config.ts';
import { attend, attentionSpec } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import { expertMlp, expertMlpWeights, expertNames } from '../layers/expert-mlp.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { paramVec, repeat } from '../weights/spec.ts';
import { readWindows } from '../window-config.ts';
import { llama, llamaLayerWeights, llamaWeights, readLlamaConfig, type LlamaConfig } from './llama.ts';
import { expertGguf } from './mixtral.ts';

interface GptOssConfig extends LlamaConfig {
  readonly experts: ExpertConfig;
}

const ownKeys = z.object({
  attention_bias: z.boolean().default(true),
  num_local_experts: count.default(128),
  num_experts_per_tok: count.default(4),
  swiglu_alpha: z.number().default(1.702),
  swiglu_limit: z.number().default(7),
  /** Not in config.json: `truncate` of all checkpoints, of which metadata says nothing. */
  truncates_yarn: z.boolean().nullish(),
});

/** GptOssConfig of transformers, where a file says nothing of the rotation. */
const YARN = { rope_type: 'yarn', factor: 32, beta_fast: 32, beta_slow: 1, truncate: false };

function withRope(source: ConfigSource, truncate: boolean | null): ConfigSource {
  const json = source.json as Record<string, unknown>;
  if (truncate !== null)
    return withValues(source, { rope_parameters: { ...(json.rope_parameters as object), truncate } });
  if (json.rope_parameters || json.rope_scaling) return source;
  return withValues(source, { rope_scaling: { ...YARN, original_max_position_embeddings: 4096 } });
}

function layerWeights(c: GptOssConfig, prefix: string) {
  const { gateUp: _1, down: _2, ...attention } = llamaLayerWeights(c, prefix);
  const mlp = `${prefix}.mlp`;
  const fused = (part: string) => ({ name: `${mlp}.experts.${part}`, bias: `${mlp}.experts.${part}_bias` });
  const names = {
    ...expertNames(mlp),
    router: `${mlp}.router`,
    fusedGateUp: { ...fused('gate_up_proj'), transposed: true, interleaved: true },
    fusedDown: { ...fused('down_proj'), transposed: true },
  };
  return {
    ...attention,
    /** [Hq] */
    sinks: paramVec(`${prefix}.self_attn.sinks`, c.numAttentionHeads),
    experts: expertMlpWeights(c.experts, c.hiddenSize, names),
  };
}

function weights(c: GptOssConfig) {
  const { embedTokens, norm, lmHead } = llamaWeights(c, (prefix) => llamaLayerWeights(c, prefix));
  return { embedTokens, layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)), norm, lmHead };
}

export const gptOss: Architecture<GptOssConfig, ReturnType<typeof weights>> = {
  modelType: 'gpt_oss',
  gguf: {
    name: 'gpt-oss',
    permutesQK: false,
    configKeys: expertGguf.configKeys,
    absent: { truncates_yarn: false },
    tensorNames: {
      ...expertGguf.tensorNames,
      'blk.*.attn_sinks.weight': 'model.layers.*.self_attn.sinks',
      'blk.*.post_attention_norm': 'model.layers.*.post_attention_layernorm',
      'blk.*.ffn_gate_inp': 'model.layers.*.mlp.router',
    },
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const defaults = { theta: 150000, headDim: 64, normEps: 1e-5 };
    const shared = readLlamaConfig(withRope(source, c.truncates_yarn ?? null), 'gpt_oss', defaults);
    requireValue(source, 'hidden_act', shared.activation, 'silu');
    requireValue(source, 'swiglu_alpha', c.swiglu_alpha, 1.702);
    requireValue(source, 'swiglu_limit', c.swiglu_limit, 7);
    const experts = {
      ...{ ...softmaxExperts, count: c.num_local_experts, k: c.num_experts_per_tok },
      ...{ size: shared.intermediateSize, sharedSize: 0, routerBias: true },
    };
    return {
      ...shared,
      experts: checkExperts(source, experts, { count: 'num_local_experts', k: 'num_experts_per_tok' }),
      biases: { qkv: c.attention_bias, o: c.attention_bias, mlp: false },
      slidingWindows: readWindows(source, shared.numHiddenLayers, { window: 128, fullEvery: 2 }),
    };
  },
  weights,
  caches: (c) => llama.caches(c),

  create: (c, w, parts) => {
    const eps = c.normEps;
    const rotary = parts.rotary(c.ropeParameters, c.headDim);
    const rms = (weight: Tensor) => ({ kind: 'rms', weight, eps }) as const;
    const how = { route: routeSpec(c.experts, null), activation: 'swigluoai' } as const;
    return new Decoder({
      config: c,
      caches: llama.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens),
      layer: (ops, x, i, step, kv) => {
        const { inputNorm, postAttentionNorm, experts, sinks, ...block } = w.layers[i];
        const attention = { ...attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, c.slidingWindows[i]), sinks };
        const attended = attend(ops, ops.norm(x, rms(inputNorm)), { ...block, eps, rotary, attention, kv }, step, x);
        const mid = ops.named('hook_resid_mid', attended);
        return expertMlp(ops, (option = {}) => ops.norm(mid, rms(postAttentionNorm), option), experts, how, mid);
      },
      norm: (ops, x, option) => ops.norm(x, rms(w.norm), option),
    });
  },
};
