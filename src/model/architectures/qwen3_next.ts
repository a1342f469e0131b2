/**
 * Qwen3-Next (Qwen Team 2025): three of four layers mix tokens by Gated DeltaNet, the others by attention whose result is gated; MLPs
 * are mixtures of experts. As in transformers' modeling_qwen3_next.py; layers that guess tokens ahead (mtp) are left unread.
 */
import { z } from 'zod';
import type { KVLayer, StateLayer } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Architecture } from '../architecture.ts';
import { count, MOST_LAYERS, readDecoderConfig, readKeys, type ConfigSource, type DecoderConfig } from '../config.ts';
import { routeSpec, type ExpertConfig } from '../expert-config.ts';
import { notReadable } from '../files/model-file.ts';
import { attend, attentionSpec, gatedMlp } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import { deltaNet, deltaNetFloats, deltaNetWeights, type DeltaNetDims } from '../layers/delta-net.ts';
import { expertMlp, expertMlpWeights, expertNames } from '../layers/expert-mlp.ts';
import type { RopeParameters } from '../layers/rope.ts';
import { longestContext, readRope, readRotaryDim } from '../rope-config.ts';
import { head, lin, repeat, table, vec } from '../weights/spec.ts';
import { readQwenExperts, sharedExpertGguf } from './qwen2_moe.ts';
import { expertGguf } from './mixtral.ts';
import { headNormGguf } from '../files/gguf-names.ts';

export interface Qwen3NextConfig extends DecoderConfig {
  readonly ropeParameters: RopeParameters;
  readonly rotaryDim: number;
  readonly attentionBias: boolean;
  /** Per layer: attention, or a delta net. */
  readonly attends: readonly boolean[];
  readonly delta: DeltaNetDims;
  readonly hasZApart: boolean;
  readonly experts: ExpertConfig;
  /** Per layer: whether its MLP is a mixture of experts. */
  readonly isSparse: readonly boolean[];
}

const ownKeys = z.object({
  attention_bias: z.boolean().default(false),
  layer_types: z.array(z.enum(['full_attention', 'linear_attention'])).nullish(),
  full_attention_interval: count.default(4),
  linear_num_key_heads: count.default(16),
  linear_num_value_heads: count.default(32),
  linear_key_head_dim: count.default(128),
  linear_value_head_dim: count.default(128),
  linear_conv_kernel_dim: count.min(2).default(4),
  shared_expert_intermediate_size: count.default(512),
  num_nextn_predict_layers: z.int().nonnegative().nullish(),
  /** Not in config.json: GGUF files have z apart from q, k and v, and each of them whole. */
  has_z_apart: z.boolean().default(false),
});

/** Whether layer i is one of attention. */
function attendsIn(
  { layer_types: types, full_attention_interval: interval = 4 }: Partial<z.infer<typeof ownKeys>>,
  i: number,
): boolean {
  return types ? types[i] === 'full_attention' : (i + 1) % interval === 0;
}

function config(source: ConfigSource): Qwen3NextConfig {
  const c = readKeys(source, ownKeys);
  const shared = readDecoderConfig(source, 'qwen3_next', { headDim: 256 });
  const ropeParameters = readRope(source, { allowsPartial: true });
  const { numHiddenLayers: layers, headDim } = shared;
  const { linear_num_key_heads: keyHeads, linear_num_value_heads: valueHeads } = c;
  const draftLayers = c.num_nextn_predict_layers ?? 0;
  const types = c.layer_types?.slice(0, c.layer_types.length - draftLayers);
  if (types && types.length !== layers)
    throw notReadable(source.file, `layer_types has ${types.length} entries for ${layers} layers`);
  if (valueHeads % keyHeads !== 0)
    throw notReadable(
      source.file,
      `linear_num_value_heads (${valueHeads}) is not a multiple of linear_num_key_heads (${keyHeads})`,
    );
  const defaults = { count: 512, k: 10, size: 512, normalizes: true };
  const { experts, isSparse } = readQwenExperts(source, layers, defaults);
  return {
    ...shared,
    maxPositionEmbeddings: longestContext(shared.maxPositionEmbeddings, ropeParameters),
    ropeParameters,
    rotaryDim: readRotaryDim(source, headDim, 0.25),
    attentionBias: c.attention_bias,
    attends: repeat(layers, (i) => attendsIn(c, i)),
    delta: {
      keyHeads,
      valueHeads,
      keyDim: c.linear_key_head_dim,
      valueDim: c.linear_value_head_dim,
      convTaps: c.linear_conv_kernel_dim,
    },
    hasZApart: c.has_z_apart,
    draftLayers,
    experts: { ...experts, sharedSize: c.shared_expert_intermediate_size },
    isSparse,
  };
}

/** Which layers are delta nets, where metadata says it layer by layer; layers that guess tokens ahead are among them. */
function recurrentLayers(pattern: unknown): Record<string, unknown> {
  if (!(pattern instanceof Uint8Array)) return {};
  return {
    layer_types: [...pattern.subarray(0, MOST_LAYERS + 1)].map((r) => (r ? 'linear_attention' : 'full_attention')),
  };
}

/** Of each head q_proj has the rows of its query, then those of its output gate. */
function attentionWeights(c: Qwen3NextConfig, prefix: string) {
  const { hiddenSize: h, headDim, numAttentionHeads: heads, attentionBias: bias } = c;
  const kv = c.numKeyValueHeads * headDim;
  const ofQ = (from: number) => [{ heads, size: 2 * headDim, from, count: headDim }];
  return {
    qkv: lin({ [`${prefix}.q_proj`]: ofQ(0), [`${prefix}.k_proj`]: kv, [`${prefix}.v_proj`]: kv }, h, { bias }),
    headNorms: {
      query: vec(`${prefix}.q_norm`, headDim, { plus: 1 }),
      key: vec(`${prefix}.k_norm`, headDim, { plus: 1 }),
    },
    outputGate: lin({ [`${prefix}.q_proj`]: ofQ(headDim) }, h, { bias }),
    o: lin({ [`${prefix}.o_proj`]: h }, heads * headDim, { bias }),
  };
}

function layerWeights(c: Qwen3NextConfig, i: number) {
  const { hiddenSize: h, intermediateSize: n, experts } = c;
  const prefix = `model.layers.${i}`;
  const mlp = `${prefix}.mlp`;
  const names = { ...expertNames(mlp), shared: `${mlp}.shared_expert`, sharedGate: `${mlp}.shared_expert_gate` };
  return {
    inputNorm: vec(`${prefix}.input_layernorm`, h, { plus: 1 }),
    attention: c.attends[i] ? attentionWeights(c, `${prefix}.self_attn`) : null,
    delta: c.attends[i] ? null : deltaNetWeights(c.delta, h, `${prefix}.linear_attn`, c.hasZApart),
    postAttentionNorm: vec(`${prefix}.post_attention_layernorm`, h, { plus: 1 }),
    experts: c.isSparse[i] ? expertMlpWeights(experts, h, names) : null,
    mlp: c.isSparse[i]
      ? null
      : {
          gateUp: lin({ [`${mlp}.gate_proj`]: n, [`${mlp}.up_proj`]: n }, h),
          down: lin({ [`${mlp}.down_proj`]: h }, n),
        },
  };
}

function weights(c: Qwen3NextConfig) {
  return {
    embedTokens: table('model.embed_tokens', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, i)),
    norm: vec('model.norm', c.hiddenSize, { plus: 1 }),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

export const qwen3Next: Architecture<Qwen3NextConfig, ReturnType<typeof weights>> = {
  modelType: 'qwen3_next',
  gguf: {
    name: 'qwen3next',
    permutesQK: false,
    rotatesPart: true,
    configKeys: {
      ...expertGguf.configKeys,
      ...{ moe_intermediate_size: 'expert_feed_forward_length', num_nextn_predict_layers: 'nextn_predict_layers' },
      shared_expert_intermediate_size: 'expert_shared_feed_forward_length',
      full_attention_interval: 'full_attention_interval',
      ...{ linear_num_key_heads: 'ssm.group_count', linear_num_value_heads: 'ssm.time_step_rank' },
      ...{ linear_key_head_dim: 'ssm.state_size', linear_conv_kernel_dim: 'ssm.conv_kernel' },
    },
    absent: { has_z_apart: true },
    // A delta net's matrix has the name that q, k and v of attention have together.
    isFusedQkv: (i, json) => attendsIn(json, i),
    more: (metadata) => ({
      linear_value_head_dim: Number(metadata['ssm.inner_size']) / Number(metadata['ssm.time_step_rank']),
      ...recurrentLayers(metadata['attention.recurrent_layers']),
    }),
    tensorNames: {
      ...sharedExpertGguf,
      ...headNormGguf,
      'blk.*.attn_qkv': 'model.layers.*.linear_attn.in_proj_qkv',
      'blk.*.attn_gate': 'model.layers.*.linear_attn.in_proj_z',
      'blk.*.ssm_ba': 'model.layers.*.linear_attn.in_proj_ba',
      'blk.*.ssm_conv1d': 'model.layers.*.linear_attn.conv1d',
      'blk.*.ssm_a': 'model.layers.*.linear_attn.A_log',
      'blk.*.ssm_dt.bias': 'model.layers.*.linear_attn.dt_bias',
      'blk.*.ssm_norm': 'model.layers.*.linear_attn.norm',
      'blk.*.ssm_out': 'model.layers.*.linear_attn.out_proj',
      'blk.*.post_attention_norm': 'model.layers.*.post_attention_layernorm',
    },
  },
  tensorName: (stored) => (stored.startsWith('mtp.') ? null : stored),

  config,
  weights,

  caches: (c) =>
    c.attends.map((attends) =>
      attends
        ? { kind: 'kv', heads: c.numKeyValueHeads, headDim: c.headDim, window: null }
        : { kind: 'state', floats: deltaNetFloats(c.delta) },
    ),

  create: (c, w, parts) => {
    const { normEps: eps, activation, delta: dims } = c;
    const rotary = parts.rotary(c.ropeParameters, c.headDim, c.rotaryDim);
    const attention = attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, null);
    const route = routeSpec(c.experts, null);
    const rms = (weight: Tensor) => ({ kind: 'rms', weight, eps }) as const;
    return new Decoder({
      config: c,
      caches: qwen3Next.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens),
      layer: (ops, x, i, step, cache: KVLayer | StateLayer) => {
        const { inputNorm, attention: attended, delta, postAttentionNorm, experts, mlp } = w.layers[i];
        const normed = ops.norm(x, rms(inputNorm));
        let mid = x;
        if (attended) {
          const block = { ...attended, eps, rotary, attention, kv: cache as KVLayer };
          mid = attend(ops, normed, block, step, x);
        } else if (delta) {
          mid = deltaNet(ops, normed, { ...delta, dims, activation, eps, cache: cache as StateLayer }, step, x);
        }
        ops.named('hook_resid_mid', mid);
        const norm = (option = {}) => ops.norm(mid, rms(postAttentionNorm), option);
        if (experts) return expertMlp(ops, norm, experts, { route, activation }, mid);
        return mlp ? gatedMlp(ops, norm({ to: mlp.gateUp.weight }), { ...mlp, activation }, mid) : mid;
      },
      norm: (ops, x, option) => ops.norm(x, rms(w.norm), option),
    });
  },
};
