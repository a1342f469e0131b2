/**
 * OLMo 3 (Team OLMo 2025, model card): OLMo 2 with a window in three of four layers; what scales the rotation does so in the
 * others only.
 */
import { z } from 'zod';
import { readKeys, type ConfigSource } from '../config.ts';
import { ropeParameters } from '../rope-config.ts';
import { readWindows } from '../window-config.ts';
import { olmo2, readPostNormConfig } from './olmo2.ts';

const THETA = 500000;

const rope = z.record(z.string(), z.unknown());
const ownKeys = z.object({
  rope_theta: z.number().positive().nullish(),
  /** Older files have rope_scaling, of the layers that see everything. */
  rope_parameters: z.object({ full_attention: rope, sliding_attention: rope }).nullish(),
});

/** The parameters of one kind of layers in place of those of all. */
function withRope(source: ConfigSource, kind: string, given: Record<string, unknown>): ConfigSource {
  const json = { ...(source.json as object), rope_parameters: given };
  return {
    ...source,
    json,
    keyName: (key) => source.keyName(key.replace('rope_parameters', `rope_parameters.${kind}`)),
  };
}

export const olmo3: typeof olmo2 = {
  ...olmo2,
  modelType: 'olmo3',
  gguf: null,

  config: (source) => {
    const { rope_parameters: given, rope_theta } = readKeys(source, ownKeys);
    const full = given ? withRope(source, 'full_attention', given.full_attention) : source;
    const shared = readPostNormConfig(full, 'olmo3', THETA);
    const plain = { rope_type: 'default', rope_theta: rope_theta ?? THETA };
    const sliding = given?.sliding_attention ?? plain;
    return {
      ...shared,
      ropeSliding: ropeParameters(source, 'rope_parameters.sliding_attention', sliding, { theta: THETA }),
      slidingWindows: readWindows(source, shared.numHiddenLayers, { window: 4096, fullEvery: 4 }),
    };
  },
};
