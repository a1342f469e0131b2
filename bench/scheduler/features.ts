/** What `--real` switches off. */
import type { EngineConfig } from '../../src/config.ts';

export const features: Readonly<Record<string, Partial<EngineConfig>>> = {
  radix: { disableDynamicPromptCache: true },
  overlap: { overlap: false },
  'chunked-prefill': { disableChunkedPrefill: true },
};
