/** How a config says its rotary positions, in both generations of keys. */
import { z } from 'zod';
import { EngineError } from '../errors.ts';
import { count, isObject, readKeys, requireValue, unsupported, type ConfigSource } from './config.ts';
import { FREQUENCY_FACTORS, ropeParametersSchema, supportedRopeTypes, type RopeParameters } from './layers/rope.ts';

const ropeKeys = z.object({
  max_position_embeddings: count,
  rope_theta: z.number().positive().nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  original_max_position_embeddings: count.nullish(),
  partial_rotary_factor: z.number().nullish(),
});

export interface RopeDefaults {
  /** Where no file says it. */
  readonly theta?: number;
  /** The architecture can rotate a part of each head (`partialRotaryFactor`). */
  readonly allowsPartial?: boolean;
}

/** Both generations of rope keys → one; transformers' defaults for what old files leave out. */
export function readRope(source: ConfigSource, defaults: RopeDefaults = {}): RopeParameters {
  const c = readKeys(source, ropeKeys);
  const given = c.rope_parameters ?? c.rope_scaling ?? {};
  const key = c.rope_parameters ? 'rope_parameters' : 'rope_scaling';
  const nested = Object.keys(given).find((k) => isObject(given[k]));
  if (nested)
    throw unsupported(source.file, source.keyName(`${key}.${nested}`), given[nested], [
      'one set of parameters for all layers',
    ]);
  return ropeParameters(source, key, given, defaults);
}

/** One set of parameters of a rope key: `given` beside the keys that older files keep outside. */
export function ropeParameters(
  source: ConfigSource,
  key: string,
  given: Record<string, unknown>,
  { theta = 10000, allowsPartial = false }: RopeDefaults = {},
): RopeParameters {
  const c = readKeys(source, ropeKeys);
  const type = given.rope_type ?? given.type ?? 'default';
  if (typeof type !== 'string' || ![...supportedRopeTypes, FREQUENCY_FACTORS].includes(type))
    throw unsupported(source.file, source.keyName(`${key}.rope_type`), type, supportedRopeTypes);
  if (!allowsPartial) requireValue(source, 'partial_rotary_factor', partialRotaryFactor(source), 1);
  const original =
    c.original_max_position_embeddings ?? given.original_max_position_embeddings ?? c.max_position_embeddings;
  const merged = {
    rope_theta: c.rope_theta ?? theta,
    max_position_embeddings: c.max_position_embeddings,
    ...given,
    rope_type: type,
    original_max_position_embeddings: original,
  };
  const own = { json: merged, file: source.file, keyName: (path: string) => source.keyName(`${key}.${path}`) };
  return readKeys(own, ropeParametersSchema);
}

/** The share of each head that rotates. @param fallback where no file says it */
export function partialRotaryFactor(source: ConfigSource, fallback = 1): number {
  const c = readKeys(source, ropeKeys);
  const given = (c.rope_parameters ?? c.rope_scaling)?.partial_rotary_factor ?? c.partial_rotary_factor ?? fallback;
  return readKeys(
    { ...source, json: { partial_rotary_factor: given } },
    z.object({ partial_rotary_factor: z.number().positive().max(1) }),
  ).partial_rotary_factor;
}

/** How many dimensions of each head rotate, the first ones. */
export function readRotaryDim(source: ConfigSource, headDim: number, fallback = 1): number {
  const rotaryDim = Math.floor(headDim * partialRotaryFactor(source, fallback));
  if (rotaryDim % 2 === 0 && rotaryDim > 0) return rotaryDim;
  const key = source.keyName('partial_rotary_factor');
  const why = `${key}: of a head of ${headDim} dimensions ${rotaryDim} would rotate; rotary embedding needs an even number`;
  throw new EngineError('unsupported_model', `${source.file}: ${why}`);
}

/** Dynamic NTK goes as far as its factor says, as in vLLM. Checkpoints whose card tells users to switch YaRN on (Qwen2.5) leave max_position_embeddings at the length without it. */
export function longestContext(maxPositionEmbeddings: number, rope: RopeParameters): number {
  if (rope.rope_type === 'dynamic')
    return Math.max(maxPositionEmbeddings, Math.floor(maxPositionEmbeddings * rope.factor));
  if (rope.rope_type !== 'yarn') return maxPositionEmbeddings;
  return Math.max(maxPositionEmbeddings, Math.floor(rope.original_max_position_embeddings * rope.factor));
}
