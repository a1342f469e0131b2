/** Command R7B and A (Cohere 2024, model card): Command R with a window in three of four layers; the others are not told positions. */
import { z } from 'zod';
import { count, readKeys, requireValue } from '../config.ts';
import { layerNormGguf } from '../files/gguf-names.ts';
import { readWindows } from '../window-config.ts';
import { cohere, readCohereConfig } from './cohere.ts';

export const cohere2: typeof cohere = {
  ...cohere,
  modelType: 'cohere2',
  // Which layers have a window is not in the file: llama.cpp knows it, as the default of config.json does.
  gguf: {
    name: 'cohere2',
    permutesQK: false,
    configKeys: {
      ...layerNormGguf.configKeys,
      layer_norm_eps: 'attention.layer_norm_epsilon',
      logit_scale: 'logit_scale',
    },
    tensorNames: layerNormGguf.tensorNames,
  },

  config: (source) => {
    const shared = readCohereConfig(source, 'cohere2', 10000);
    requireValue(source, 'use_qk_norm', shared.hasHeadNorms, false);
    const slidingWindows = readWindows(source, shared.numHiddenLayers, { window: 4096, fullEvery: 4 });
    const { sliding_window } = readKeys(source, z.object({ sliding_window: count.nullish() }));
    // transformers rotates the layers that have a window to their name.
    return { ...shared, slidingWindows, rotates: slidingWindows.map((w) => w !== null && sliding_window !== null) };
  },
};
