/**
 * Kimi K2 (Moonshot AI 2025, arXiv:2507.20534): DeepSeek-V3 by its own name, with 384 experts that are chosen without groups. Its
 * checkpoints bring DeepSeek-V3's code.
 */
import type { Architecture } from '../architecture.ts';
import type { LatentDecoderConfig, LatentDecoderWeights } from '../layers/latent-decoder.ts';
import { deepseekV3, readDeepseekV3 } from './deepseek_v3.ts';

export const kimiK2: Architecture<LatentDecoderConfig, LatentDecoderWeights> = {
  ...deepseekV3,
  modelType: 'kimi_k2',
  // Its files say that they are DeepSeek's.
  gguf: null,
  config: (source) => readDeepseekV3(source, 'kimi_k2'),
};
