/**
 * GLM-4.7-Flash (Z.ai 2026; the code of transformers' glm4_moe_lite): DeepSeek-V3's attention and choice of experts, in layers that say
 * one by one whether they have experts.
 */
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { readKeys, unsupported } from '../config.ts';
import type { LatentDecoderConfig, LatentDecoderWeights } from '../layers/latent-decoder.ts';
import { readDeepseek } from './deepseek_v2.ts';
import { deepseekV3 } from './deepseek_v3.ts';

const flash = {
  ...{ count: 64, k: 4, size: 1536, shared: 1, scale: 1.8, groups: 1, keptGroups: 1 },
  scores: 'sigmoid',
  methods: ['noaux_tc'],
  denseLayers: 1,
  normEps: 1e-5,
} as const;

const ownKeys = z.object({ mlp_layer_types: z.array(z.enum(['dense', 'sparse'])).nullish() });

export const glm4MoeLite: Architecture<LatentDecoderConfig, LatentDecoderWeights> = {
  ...deepseekV3,
  modelType: 'glm4_moe_lite',
  // Its files say that they are DeepSeek's.
  gguf: null,

  config: (source) => {
    const { mlp_layer_types: types } = readKeys(source, ownKeys);
    const shared = readDeepseek(source, 'glm4_moe_lite', flash);
    if (!types) return shared;
    const { numHiddenLayers } = shared;
    if (types.length !== numHiddenLayers)
      throw unsupported(source.file, source.keyName('mlp_layer_types'), types, [`${numHiddenLayers} of them`]);
    return { ...shared, isSparse: types.map((type) => type === 'sparse') };
  },
};
