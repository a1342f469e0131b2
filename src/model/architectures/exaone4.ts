/**
 * EXAONE 4.0 (LG AI Research 2025, arXiv:2507.11407): norms behind attention and MLP, RMSNorm on each query and key head, and
 * layers that see everything, of which those are not told positions that stand between layers with a window.
 */
import { z } from 'zod';
import { count, readKeys } from '../config.ts';
import { readWindows } from '../window-config.ts';
import { postNormGguf } from '../files/gguf-names.ts';
import { olmo2, readPostNormConfig } from './olmo2.ts';

export const exaone4: typeof olmo2 = {
  ...olmo2,
  modelType: 'exaone4',
  gguf: {
    ...postNormGguf,
    name: 'exaone4',
    permutesQK: false,
    absent: { sliding_window: null },
  },

  config: (source) => {
    const shared = readPostNormConfig(source, 'exaone4', 10000);
    const { sliding_window } = readKeys(source, z.object({ sliding_window: count.nullable().default(4096) }));
    const slidingWindows = readWindows(source, shared.numHiddenLayers, { window: 4096, fullEvery: 4 });
    return {
      ...shared,
      normsOver: 'head',
      slidingWindows,
      rotates: slidingWindows.map((window) => sliding_window === null || window !== null),
    };
  },
};
