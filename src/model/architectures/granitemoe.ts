/** Granite 3 with mixtures of experts (Granite Team 2024, technical report): Granite's multipliers, Mixtral's choice. */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { count, readKeys } from '../config.ts';
import { checkExperts, routeSpec, softmaxExperts, type ExpertConfig } from '../expert-config.ts';
import { attend, attentionSpec } from '../layers/decoder-layer.ts';
import { Decoder } from '../layers/decoder.ts';
import { expertMlp, expertMlpWeights, expertNames } from '../layers/expert-mlp.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { repeat } from '../weights/spec.ts';
import { granite, type GraniteConfig } from './granite.ts';
import { llama, llamaLayerWeights, llamaWeights } from './llama.ts';
import { expertGguf } from './mixtral.ts';

interface GraniteMoeConfig extends GraniteConfig {
  readonly experts: ExpertConfig;
}

const ownKeys = z.object({ num_local_experts: count.default(8), num_experts_per_tok: count.default(2) });

function layerWeights(c: GraniteMoeConfig, prefix: string) {
  const { gateUp: _1, down: _2, ...attention } = llamaLayerWeights(c, prefix);
  const stored = `${prefix}.block_sparse_moe`;
  const names = {
    ...expertNames(`${prefix}.mlp`),
    fusedGateUp: { name: `${stored}.input_linear.weight` },
    fusedDown: { name: `${stored}.output_linear.weight` },
  };
  return { ...attention, experts: expertMlpWeights(c.experts, c.hiddenSize, names) };
}

function weights(c: GraniteMoeConfig) {
  const { embedTokens, norm, lmHead } = llamaWeights(c, (prefix) => llamaLayerWeights(c, prefix));
  return { embedTokens, layers: repeat(c.numHiddenLayers, (i) => layerWeights(c, `model.layers.${i}`)), norm, lmHead };
}

export const graniteMoe: Architecture<GraniteMoeConfig, ReturnType<typeof weights>> = {
  modelType: 'granitemoe',
  gguf: {
    name: 'granitemoe',
    permutesQK: true,
    tensorNames: expertGguf.tensorNames,
    configKeys: { ...granite.gguf?.configKeys, ...expertGguf.configKeys },
  },
  tensorName: (stored) => stored.replace('.block_sparse_moe.router.layer.', '.mlp.gate.'),

  config: (source) => {
    const c = readKeys(source, ownKeys);
    const shared = { ...granite.config(source), modelType: 'granitemoe' };
    const experts = {
      ...{ ...softmaxExperts, count: c.num_local_experts, k: c.num_experts_per_tok },
      ...{ size: shared.intermediateSize, sharedSize: 0 },
    };
    const keys = { count: 'num_local_experts', k: 'num_experts_per_tok' };
    return { ...shared, experts: checkExperts(source, experts, keys) };
  },
  weights,
  caches: (c) => llama.caches(c),

  create: (c, w, parts) => {
    const eps = c.normEps;
    const rotary = parts.rotary(c.ropeParameters, c.headDim);
    const rms = (weight: Tensor) => ({ kind: 'rms', weight, eps }) as const;
    const route = routeSpec(c.experts, null);
    return new Decoder({
      config: c,
      caches: llama.caches(c),
      head: w.lmHead ?? w.embedTokens,
      scoreHead: parts.scoreHead,
      rotary,
      embed: (ops, step) => ops.embedding(step, w.embedTokens, { scale: c.embeddingScale }),
      layer: (ops, x, i, step, kv) => {
        const { inputNorm, postAttentionNorm, experts, ...layer } = w.layers[i];
        const attention = attentionSpec(c.numAttentionHeads, c.attentionScale, null);
        const attended = attend(ops, ops.norm(x, rms(inputNorm)), { ...layer, eps, rotary, attention, kv }, step);
        const mid = ops.named('hook_resid_mid', ops.add(x, attended, c.residualScale));
        const norm = (option = {}) => ops.norm(mid, rms(postAttentionNorm), option);
        const { activation } = c;
        return ops.add(mid, expertMlp(ops, norm, experts, { route, activation }), c.residualScale);
      },
      logits: (ops, logits) => ops.scale(logits, c.logitScale),
      norm: (ops, x, option) => ops.norm(x, rms(w.norm), option),
    });
  },
};
