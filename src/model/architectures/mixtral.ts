/**
 * Mixtral (Jiang et al. 2024, arXiv:2401.04088): Mistral whose MLPs are mixtures of experts. Also the base of those that are Llama with
 * such MLPs in some or all layers.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys } from '../config.ts';
import { checkExperts, routeSpec, softmaxExperts, type ExpertConfig } from '../expert-config.ts';
import { decoderGguf } from '../files/gguf-names.ts';
import { Decoder } from '../layers/decoder.ts';
import { attend, attentionSpec, gatedMlp } from '../layers/decoder-layer.ts';
import { expertMlp, expertMlpWeights, expertNames, type ExpertMlpWeights } from '../layers/expert-mlp.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { repeat, type LinSpec, type VecSpec } from '../weights/spec.ts';
import {
  llama,
  llamaLayerWeights,
  llamaWeights,
  readLlamaConfig,
  type LlamaConfig,
  type LlamaLayerWeights,
  type LlamaWeights,
} from './llama.ts';

export interface MixtralConfig extends LlamaConfig {
  readonly experts: ExpertConfig;
  /** Per layer: whether its MLP is a mixture of experts. */
  readonly isSparse: readonly boolean[];
}

export type MixtralLayerWeights = Omit<LlamaLayerWeights, 'gateUp' | 'down'> & {
  /** The MLP is one of the two. */
  readonly mlp: { readonly gateUp: LinSpec; readonly down: LinSpec } | null;
  readonly experts: ExpertMlpWeights | null;
  /** [E], added to the scores for the choice; null in most. */
  readonly choiceBias: VecSpec | null;
};

export type MixtralWeights = Omit<LlamaWeights, 'layers'> & { readonly layers: readonly MixtralLayerWeights[] };

/** What metadata says of experts, in most architectures. */
export const expertGguf = {
  configKeys: {
    ...decoderGguf.configKeys,
    num_local_experts: 'expert_count',
    num_experts_per_tok: 'expert_used_count',
  },
  tensorNames: {
    ...decoderGguf.tensorNames,
    'blk.*.ffn_gate_inp': 'model.layers.*.mlp.gate',
    'blk.*.ffn_gate_exps': 'model.layers.*.mlp.experts.gate_proj',
    'blk.*.ffn_up_exps': 'model.layers.*.mlp.experts.up_proj',
    'blk.*.ffn_gate_up_exps': 'model.layers.*.mlp.experts.gate_up_proj',
    'blk.*.ffn_down_exps': 'model.layers.*.mlp.experts.down_proj',
  },
} as const;

const ownKeys = z.object({
  num_local_experts: count.default(8),
  num_experts_per_tok: count.default(2),
  sliding_window: count.nullish(),
});

export const mixtral: Architecture<MixtralConfig, MixtralWeights> = {
  modelType: 'mixtral',
  gguf: {
    name: 'llama',
    holds: ({ metadata }) => Number(metadata.get('llama.expert_count') ?? 0) > 0,
    permutesQK: true,
    ...expertGguf,
  },
  // Its checkpoints have names of their own for what others call by one.
  tensorName: (stored) => {
    const own = { gate: 'gate', w1: 'gate_proj', w2: 'down_proj', w3: 'up_proj' };
    return stored
      .replace('.block_sparse_moe.', '.mlp.')
      .replace(/(\.mlp\.experts\.\d+\.)(w[123])\./, (_, front: string, part: 'w1') => `${front}${own[part]}.`);
  },

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = readLlamaConfig(source, 'mixtral', { theta: 1e6, normEps: 1e-5 });
    const experts = { ...softmaxExperts, count: c.num_local_experts, k: c.num_experts_per_tok };
    return {
      ...shared,
      experts: checkExperts(
        source,
        { ...experts, size: shared.intermediateSize, sharedSize: 0 },
        { count: 'num_local_experts', k: 'num_experts_per_tok' },
      ),
      isSparse: repeat(shared.numHiddenLayers, () => true),
      biases: { qkv: false, o: false, mlp: false },
      slidingWindows: Array<number | null>(shared.numHiddenLayers).fill(c.sliding_window ?? null),
    };
  },

  weights: (c) => mixtralWeights(c, (prefix, i) => mixtralLayerWeights(c, prefix, i)),
  caches: (c) => llama.caches(c),

  create: (c, w, parts) => {
    const rotary = parts.rotary(c.ropeParameters, c.headDim, c.rotaryDim, c.isInterleaved);
    const eps = c.normEps;
    const { activation } = c;
    const rms = (weight: Tensor) => ({ kind: 'rms', weight, eps }) as const;
    const routes = w.layers.map(({ choiceBias }) => routeSpec(c.experts, choiceBias));
    return new Decoder({
      config: c,
      caches: llama.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens, { scale: c.embeddingScale }),
      layer: (ops, x, i, step, kv) => {
        const { inputNorm, postAttentionNorm, mlp, experts, ...block } = w.layers[i];
        const attention = attentionSpec(c.numAttentionHeads, c.headDim ** -0.5, c.slidingWindows[i]);
        const how = { eps, rotary: c.rotates[i] ? rotary : null, attention, kv };
        const attended = attend(ops, ops.norm(x, rms(inputNorm)), { ...block, ...how }, step, x);
        const mid = ops.named('hook_resid_mid', attended);
        const norm = (option = {}) => ops.norm(mid, rms(postAttentionNorm), option);
        if (experts) return expertMlp(ops, norm, experts, { route: routes[i], activation }, mid);
        return mlp ? gatedMlp(ops, norm({ to: mlp.gateUp.weight }), { ...mlp, activation }, mid) : mid;
      },
      norm: (ops, x, option) => ops.norm(x, rms(w.norm), option),
    });
  },
};

/** @param layer what layer `i` has, whose names begin with `prefix` */
export function mixtralWeights(
  c: MixtralConfig,
  layer: (prefix: string, i: number) => MixtralLayerWeights,
): MixtralWeights {
  const frame = llamaWeights(c, (prefix) => llamaLayerWeights(c, prefix));
  return { ...frame, layers: repeat(c.numHiddenLayers, (i) => layer(`model.layers.${i}`, i)) };
}

/** @param names of the shared expert, where there is one, behind `PREFIX.mlp.` */
export function mixtralLayerWeights(
  c: MixtralConfig,
  prefix: string,
  i: number,
  names: { readonly shared?: string; readonly sharedGate?: string } = {},
): MixtralLayerWeights {
  const { gateUp, down, ...attention } = llamaLayerWeights(c, prefix);
  const behind = Object.entries(names).map(([key, name]) => [key, `${prefix}.mlp.${name}`]);
  const all = { ...expertNames(`${prefix}.mlp`), ...(Object.fromEntries(behind) as typeof names) };
  return {
    ...attention,
    mlp: c.isSparse[i] ? null : { gateUp, down },
    experts: c.isSparse[i] ? expertMlpWeights(c.experts, c.hiddenSize, all) : null,
    choiceBias: null,
  };
}
