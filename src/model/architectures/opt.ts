/**
 * OPT (Zhang et al. 2022, arXiv:2205.01068): GPT-2 with ReLU, under other names; the table of positions begins with two rows
 * that stand for none. OPT-350M has its norms behind the blocks, and embeddings of a width of their own.
 */
import { z } from 'zod';
import type { AttentionSpec, KVLayer, ModelOps, Step } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Architecture } from '../architecture.ts';
import { activationNamed, checkHeads, count, layerCount, readKeys, requireValue } from '../config.ts';
import { attend, attentionSpec, linear, plainMlp } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import { layerNorm, layerNormWeights } from '../layers/layer-norm-decoder.ts';
import { head, lin, repeat, table, type Loaded } from '../weights/spec.ts';
import { gpt2, type Gpt2Config } from './gpt2.ts';

const keys = z.object({
  vocab_size: count,
  hidden_size: count,
  ffn_dim: count,
  num_hidden_layers: layerCount,
  num_attention_heads: count,
  max_position_embeddings: count.default(2048),
  activation_function: z.string().default('relu'),
  do_layer_norm_before: z.boolean().default(true),
  _remove_final_layer_norm: z.boolean().default(false),
  word_embed_proj_dim: count.nullish(),
  enable_bias: z.boolean().default(true),
  layer_norm_elementwise_affine: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(true),
});

/** Rows of the table of positions in front of the first. */
const NO_POSITION = 2;

interface OptConfig extends Gpt2Config {
  /** Of embeddings and of what the head reads. */
  readonly wordEmbedProjDim: number;
  /** Each norm is behind its block. */
  readonly isPostNorm: boolean;
  readonly hasFinalNorm: boolean;
}

function layerWeights(c: OptConfig, prefix: string) {
  const { hiddenSize: h, intermediateSize } = c;
  const attn = (part: string) => `${prefix}.self_attn.${part}_proj`;
  const bias = true;
  return {
    attentionNorm: layerNormWeights(`${prefix}.self_attn_layer_norm`, h),
    qkv: lin({ [attn('q')]: h, [attn('k')]: h, [attn('v')]: h }, h, { bias }),
    o: lin({ [attn('out')]: h }, h, { bias }),
    mlpNorm: layerNormWeights(`${prefix}.final_layer_norm`, h),
    up: lin({ [`${prefix}.fc1`]: intermediateSize }, h, { bias }),
    down: lin({ [`${prefix}.fc2`]: h }, intermediateSize, { bias }),
  };
}

function weights(c: OptConfig) {
  const { hiddenSize: h, wordEmbedProjDim: e, vocabSize } = c;
  const skipped = NO_POSITION;
  return {
    embedTokens: table('decoder.embed_tokens', vocabSize, e),
    projectIn: e === h ? null : lin({ 'decoder.project_in': h }, e),
    embedPositions: table('decoder.embed_positions', c.maxPositionEmbeddings, h, { skipped }),
    layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `decoder.layers.${i}`)),
    norm: c.hasFinalNorm ? layerNormWeights('decoder.final_layer_norm', h) : null,
    projectOut: e === h ? null : lin({ 'decoder.project_out': e }, h),
    lmHead: c.tieWordEmbeddings ? null : head('lm_head', vocabSize, e),
  };
}

type OptLayer = Loaded<ReturnType<typeof layerWeights>>;

/** x [T, H] → [T, H] */
function runLayer(
  ops: ModelOps,
  x: Tensor,
  layer: OptLayer,
  { c, attention, kv }: { c: OptConfig; attention: AttentionSpec; kv: KVLayer },
  step: Step,
): Tensor {
  const { qkv, o, up, down } = layer;
  const { layerNormEpsilon: eps, activation, isPostNorm } = c;
  const attentionNorm = layerNorm(layer.attentionNorm, eps);
  const mlpNorm = layerNorm(layer.mlpNorm, eps);
  const block = { qkv, headNorms: null, o, eps, rotary: null, attention, kv };
  const attended = attend(ops, isPostNorm ? x : ops.norm(x, attentionNorm), block, step, x);
  const mid = ops.named('hook_resid_mid', isPostNorm ? ops.norm(attended, attentionNorm) : attended);
  const mlpIn = isPostNorm ? mid : ops.norm(mid, mlpNorm, { to: up.weight });
  const y = plainMlp(ops, mlpIn, { up, down, activation }, mid);
  return isPostNorm ? ops.norm(y, mlpNorm) : y;
}

export const opt: Architecture<OptConfig, ReturnType<typeof weights>> = {
  modelType: 'opt',
  gguf: null,

  /** Checkpoints of OPTModel have no prefix. */
  tensorName: (stored) => stored.replace(/^model\./, ''),

  config: (source) => {
    const c = readKeys(source, keys);
    for (const key of ['enable_bias', 'layer_norm_elementwise_affine'] as const)
      requireValue(source, key, c[key], true);
    const headDim = Math.floor(c.hidden_size / c.num_attention_heads);
    const heads = { headDim, numAttentionHeads: c.num_attention_heads, numKeyValueHeads: c.num_attention_heads };
    return {
      modelType: 'opt',
      ...checkHeads(source, heads),
      vocabSize: c.vocab_size,
      hiddenSize: c.hidden_size,
      wordEmbedProjDim: c.word_embed_proj_dim ?? c.hidden_size,
      isPostNorm: !c.do_layer_norm_before,
      hasFinalNorm: c.do_layer_norm_before && !c._remove_final_layer_norm,
      intermediateSize: c.ffn_dim,
      numHiddenLayers: c.num_hidden_layers,
      maxPositionEmbeddings: c.max_position_embeddings,
      layerNormEpsilon: 1e-5,
      activation: activationNamed(source, 'activation_function', c.activation_function),
      attentionScales: repeat(c.num_hidden_layers, () => headDim ** -0.5),
      tieWordEmbeddings: c.tie_word_embeddings,
    };
  },

  weights,
  caches: (c) => gpt2.caches(c),

  create: (c, w, parts) => {
    const { embedTokens, embedPositions, projectIn, projectOut, norm } = w;
    return new Decoder({
      config: c,
      caches: gpt2.caches(c),
      head: w.lmHead ?? embedTokens,
      scoreHead: parts.scoreHead,
      embed: (ops, step) => {
        const tokens = ops.embedding(step, embedTokens);
        const positions = ops.embedding(step, embedPositions, { by: 'positions' });
        return ops.add(projectIn ? linear(ops, tokens, projectIn) : tokens, positions);
      },
      layer: (ops, x, i, step, kv) => {
        const attention = attentionSpec(c.numAttentionHeads, c.attentionScales[i], null);
        return runLayer(ops, x, w.layers[i], { c, attention, kv }, step);
      },
      norm: (ops, x, option) => {
        const to = projectOut ? { to: projectOut.weight } : option;
        const normed = norm ? ops.norm(x, layerNorm(norm, c.layerNormEpsilon), to) : x;
        return projectOut ? linear(ops, normed, projectOut) : normed;
      },
    });
  },
};
