/**
 * DeepSeek-V3, R1 (DeepSeek-AI 2024, arXiv:2412.19437) and Moonlight: DeepSeek-V2 whose experts are chosen by the sigmoid of
 * their logits and a bias of each. Layers that predict further tokens (MTP) are left unread.
 */
import type { Architecture } from '../architecture.ts';
import type { ConfigSource } from '../config.ts';
import type { LatentDecoderConfig, LatentDecoderWeights } from '../layers/latent-decoder.ts';
import { deepseekGguf, deepseekV2, readDeepseek } from './deepseek_v2.ts';

const v3 = {
  ...{ count: 256, k: 8, size: 2048, shared: 1, scale: 2.5, groups: 8, keptGroups: 4 },
  scores: 'sigmoid',
  methods: ['noaux_tc'],
  denseLayers: 3,
} as const;

/** @param modelType that of V3 or of a model that is V3 */
export function readDeepseekV3(source: ConfigSource, modelType: string): LatentDecoderConfig {
  return readDeepseek(source, modelType, v3);
}

export const deepseekV3: Architecture<LatentDecoderConfig, LatentDecoderWeights> = {
  ...deepseekV2,
  modelType: 'deepseek_v3',
  // What V2 has not: a bias for the choice. Files of GLM-4.7-Flash are among those that have it.
  gguf: { ...deepseekGguf, holds: ({ tensors }) => tensors.some(({ name }) => name.endsWith('.exp_probs_b.bias')) },
  tensorName: (stored) => stored.replace(/e_score_correction_bias$/, 'e_score_correction.bias'),
  config: (source) => readDeepseekV3(source, 'deepseek_v3'),
};
