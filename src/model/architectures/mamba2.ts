/**
 * Mamba-2 (Dao and Gu 2024, arXiv:2405.21060): no attention, no MLP; each layer is a short convolution and a selective scan, whose
 * result is gated and normalized. In transformers' format (modeling_mamba2.py), Mamba-Codestral among them.
 */
import { z } from 'zod';
import type { Activation, StateLayer } from '../../kernels/ops.ts';
import type { Architecture } from '../architecture.ts';
import { activationNamed, count, layerCount, readKeys, type ConfigSource, type ModelConfig } from '../config.ts';
import { notReadable } from '../files/model-file.ts';
import { linear } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import { biasVec, head, lin, paramVec, repeat, table, vec } from '../weights/spec.ts';

export interface Mamba2Config extends ModelConfig {
  readonly normEps: number;
  readonly tieWordEmbeddings: boolean;
  /** Behind the convolution. */
  readonly activation: Activation;
  readonly numHeads: number;
  readonly headDim: number;
  /** Of heads that share B and C. */
  readonly numGroups: number;
  readonly stateSize: number;
  readonly convTaps: number;
  readonly timeStepLimit: readonly [number, number];
  readonly useBias: boolean;
  readonly useConvBias: boolean;
}

const ownKeys = z.object({
  vocab_size: count,
  hidden_size: count,
  num_hidden_layers: layerCount,
  num_heads: count.default(128),
  head_dim: count.default(64),
  expand: z.number().positive().default(2),
  n_groups: count.default(8),
  state_size: count.default(128),
  conv_kernel: count.min(2).default(4),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  hidden_act: z.string().default('silu'),
  use_bias: z.boolean().default(false),
  use_conv_bias: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(false),
  time_step_limit: z.tuple([z.number().nonnegative(), z.unknown()]).default([0, Infinity]),
});

/** There is no longest context; llama.cpp's converter writes this one. */
const CONTEXT = 2 ** 20;

function config(source: ConfigSource): Mamba2Config {
  const c = readKeys(source, ownKeys);
  const [least, most] = c.time_step_limit;
  const inner = c.num_heads * c.head_dim;
  if (c.hidden_size * c.expand !== inner)
    throw notReadable(
      source.file,
      `hidden_size · expand (${c.hidden_size * c.expand}) is not num_heads · head_dim (${inner})`,
    );
  if (c.num_heads % c.n_groups !== 0)
    throw notReadable(source.file, `num_heads (${c.num_heads}) is not a multiple of n_groups (${c.n_groups})`);
  return {
    modelType: 'mamba2',
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    numHiddenLayers: c.num_hidden_layers,
    maxPositionEmbeddings: CONTEXT,
    normEps: c.layer_norm_epsilon,
    tieWordEmbeddings: c.tie_word_embeddings,
    activation: activationNamed(source, 'hidden_act', c.hidden_act),
    numHeads: c.num_heads,
    headDim: c.head_dim,
    numGroups: c.n_groups,
    stateSize: c.state_size,
    convTaps: c.conv_kernel,
    // JSON has no infinity: transformers writes it in words.
    timeStepLimit: [least, typeof most === 'number' ? most : Infinity],
    useBias: c.use_bias,
    useConvBias: c.use_conv_bias,
  };
}

/** Columns: x of all heads, and x, B and C, which the convolution mixes. */
function widths({ numHeads, headDim, numGroups, stateSize }: Mamba2Config) {
  const inner = numHeads * headDim;
  return { inner, conv: inner + 2 * numGroups * stateSize };
}

function layerWeights(c: Mamba2Config, i: number) {
  const { hiddenSize: h, numHeads, convTaps, useBias: bias } = c;
  const { inner, conv } = widths(c);
  const mixer = `backbone.layers.${i}.mixer`;
  return {
    norm: vec(`backbone.layers.${i}.norm`, h),
    // The gate, what is mixed, and the steps.
    in: lin({ [`${mixer}.in_proj`]: inner + conv + numHeads }, h, { bias }),
    conv: vec(`${mixer}.conv1d`, conv * convTaps, { shape: [conv, 1, convTaps] }),
    convBias: c.useConvBias ? biasVec(`${mixer}.conv1d`, conv) : null,
    rate: paramVec(`${mixer}.A_log`, numHeads, { isLog: true }),
    stepBias: paramVec(`${mixer}.dt_bias`, numHeads),
    skip: paramVec(`${mixer}.D`, numHeads),
    gatedNorm: vec(`${mixer}.norm`, inner),
    out: lin({ [`${mixer}.out_proj`]: h }, inner, { bias }),
  };
}

function weights(c: Mamba2Config) {
  return {
    embedTokens: table('backbone.embeddings', c.vocabSize, c.hiddenSize),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, i)),
    norm: vec('backbone.norm_f', c.hiddenSize),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', c.vocabSize, c.hiddenSize),
  };
}

export const mamba2: Architecture<Mamba2Config, ReturnType<typeof weights>> = {
  modelType: 'mamba2',
  gguf: {
    name: 'mamba2',
    permutesQK: false,
    configKeys: {
      num_hidden_layers: 'block_count',
      hidden_size: 'embedding_length',
      layer_norm_epsilon: 'attention.layer_norm_rms_epsilon',
      num_heads: 'ssm.time_step_rank',
      n_groups: 'ssm.group_count',
      state_size: 'ssm.state_size',
      conv_kernel: 'ssm.conv_kernel',
    },
    more: (metadata) => {
      const inner = Number(metadata['ssm.inner_size']);
      return {
        head_dim: inner / Number(metadata['ssm.time_step_rank']),
        expand: inner / Number(metadata['embedding_length']),
      };
    },
    tensorNames: {
      token_embd: 'backbone.embeddings',
      output_norm: 'backbone.norm_f',
      output: 'lm_head',
      'blk.*.attn_norm': 'backbone.layers.*.norm',
      'blk.*.ssm_in': 'backbone.layers.*.mixer.in_proj',
      'blk.*.ssm_conv1d': 'backbone.layers.*.mixer.conv1d',
      'blk.*.ssm_a': 'backbone.layers.*.mixer.A_log',
      'blk.*.ssm_dt.bias': 'backbone.layers.*.mixer.dt_bias',
      'blk.*.ssm_d': 'backbone.layers.*.mixer.D',
      'blk.*.ssm_norm': 'backbone.layers.*.mixer.norm',
      'blk.*.ssm_out': 'backbone.layers.*.mixer.out_proj',
    },
  },

  config,
  weights,

  caches: (c) => {
    const floats = (c.convTaps - 1) * widths(c).conv + c.numHeads * c.headDim * c.stateSize;
    return repeat(c.numHiddenLayers, () => ({ kind: 'state', floats }));
  },

  create: (c, w, parts) => {
    const { inner, conv: channels } = widths(c);
    const { numHeads: heads, headDim, numGroups: groups, stateSize, timeStepLimit: stepLimit, normEps: eps } = c;
    return new Decoder({
      config: c,
      caches: mamba2.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      embed: (ops, step) => ops.embedding(step, w.embedTokens),
      layer: (ops, x, i, step, layer: StateLayer) => {
        const { norm, in: into, conv: weight, convBias, rate, stepBias, skip, gatedNorm, out } = w.layers[i];
        const projected = linear(ops, ops.norm(x, { kind: 'rms', weight: norm, eps }, { to: into.weight }), into);
        const conv = { channels, weight, ...(convBias && { bias: convBias }), activation: c.activation };
        const mixed = ops.shortConv({ of: projected, from: inner }, conv, { layer, offset: 0 }, step);
        const scan = { heads, headDim, groups, stateSize, rate, stepBias, skip, stepLimit };
        const state = { layer, offset: (c.convTaps - 1) * channels };
        const scanned = ops.selectiveScan(mixed, { of: projected, from: inner + channels }, scan, state, step);
        const gated = { weight: gatedNorm, over: inner / groups, gatesFirst: true, eps };
        const y = ops.gatedNorm(scanned, { of: projected, from: 0 }, gated, { to: out.weight });
        return linear(ops, ops.named('mixer.hook_z', y), out, x);
      },
      norm: (ops, x, option) => ops.norm(x, { kind: 'rms', weight: w.norm, eps }, option),
    });
  },
};
