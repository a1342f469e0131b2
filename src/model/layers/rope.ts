/**
 * Rotary position embedding (Su et al. 2021, arXiv:2104.09864): inverse frequencies of each scaling scheme and the
 * cos/sin table the kernels read. Everything is computed in f64 and rounded once.
 */
import { z } from 'zod';

const positive = z.number().positive();
const base = { rope_theta: positive };
const original = { original_max_position_embeddings: positive };

/** One entry a scheme, by its `rope_type` in config.json. Keys and defaults are transformers'. */
const schemes = {
  default: z.object({ ...base, rope_type: z.literal('default') }),
  /** Positions divided by `factor` (Chen et al. 2023, arXiv:2306.15595). */
  linear: z.object({ ...base, rope_type: z.literal('linear'), factor: positive }),
  /**
   * NTK-aware scaling whose base depends on the length of the sequence. Up to max_position_embeddings it equals `default`.
   * Beyond, `rotaryRows`.
   */
  dynamic: z.object({
    ...base,
    rope_type: z.literal('dynamic'),
    factor: positive,
    max_position_embeddings: positive,
  }),
  /** Llama 3.1: long wavelengths divided by `factor`, a ramp between (model card and reference code of Llama 3.1). */
  llama3: z.object({
    ...base,
    ...original,
    rope_type: z.literal('llama3'),
    factor: positive,
    low_freq_factor: positive,
    high_freq_factor: positive,
  }),
  /** YaRN (Peng et al. 2023, arXiv:2309.00071). */
  yarn: z.object({
    ...base,
    ...original,
    rope_type: z.literal('yarn'),
    factor: positive,
    attention_factor: positive.nullish(),
    beta_fast: positive.nullish(),
    beta_slow: positive.nullish(),
    mscale: z.number().nullish(),
    mscale_all_dim: z.number().nullish(),
    truncate: z.boolean().nullish(),
  }),
  /**
   * LongRoPE (Ding et al. 2024, arXiv:2402.13753): one divisor a frequency, of two sets. The long one is for sequences
   * beyond the original length (`rotaryRows`).
   */
  longrope: z.object({
    ...base,
    ...original,
    rope_type: z.literal('longrope'),
    short_factor: z.array(positive),
    long_factor: z.array(positive),
    factor: positive.nullish(),
    attention_factor: positive.nullish(),
    max_position_embeddings: positive,
  }),
  /** One divisor a frequency: how GGUF files carry llama3 scaling (`rope_freqs.weight`). */
  frequency_factors: z.object({
    ...base,
    rope_type: z.literal('frequency_factors'),
    factors: z.array(positive),
  }),
} as const;

export const ropeParametersSchema = z.discriminatedUnion('rope_type', [
  schemes.default,
  schemes.linear,
  schemes.dynamic,
  schemes.llama3,
  schemes.yarn,
  schemes.longrope,
  schemes.frequency_factors,
]);

export type RopeParameters = z.infer<typeof ropeParametersSchema>;

/** Not in config.json: what GGUF files say instead. */
export const FREQUENCY_FACTORS = 'frequency_factors';

/** What `rope_type` of a config.json may be. */
export const supportedRopeTypes: readonly string[] = Object.keys(schemes).filter((type) => type !== FREQUENCY_FACTORS);

/**
 * Inverse frequencies [rotaryDim / 2], radians a position, and the factor on cos and sin (1 but for YaRN and LongRoPE).
 * @param length of the sequence, for the schemes that look at it
 */
export function inverseFrequencies(
  rope: RopeParameters,
  rotaryDim: number,
  length: number,
): { invFreq: number[]; scale: number } {
  const plain = Array.from({ length: rotaryDim / 2 }, (_, i) => rope.rope_theta ** ((-2 * i) / rotaryDim));
  switch (rope.rope_type) {
    case 'default':
      return { invFreq: plain, scale: 1 };
    case 'dynamic':
      return { invFreq: dynamicFrequencies(rope, rotaryDim, length), scale: 1 };
    case 'linear':
      return { invFreq: plain.map((f) => f / rope.factor), scale: 1 };
    case 'llama3':
      return { invFreq: plain.map((f) => llama3Frequency(f, rope)), scale: 1 };
    case 'yarn':
      return { invFreq: yarnFrequencies(plain, rope, rotaryDim), scale: yarnAttentionFactor(rope) };
    case 'longrope': {
      const factors = length > rope.original_max_position_embeddings ? rope.long_factor : rope.short_factor;
      return { invFreq: plain.map((f, i) => f / factors[i]), scale: longropeAttentionFactor(rope) };
    }
    case 'frequency_factors':
      return { invFreq: plain.map((f, i) => f / rope.factors[i]), scale: 1 };
    default:
      return rope satisfies never;
  }
}

/**
 * The table of RotarySpec: [maxLength, rotaryDim] f32, row p holds cos(p·f) for every inverse frequency f, then sin(p·f).
 * Schemes that look at the length take that of the longest sequence.
 */
export function rotaryTable(rope: RopeParameters, rotaryDim: number, maxLength: number): Float32Array {
  const { invFreq, scale } = inverseFrequencies(rope, rotaryDim, maxLength);
  const half = rotaryDim / 2;
  const table = new Float32Array(maxLength * rotaryDim);
  for (let p = 0; p < maxLength; p++) {
    const row = p * rotaryDim;
    for (let i = 0; i < half; i++) {
      table[row + i] = scale * Math.cos(p * invFreq[i]);
      table[row + half + i] = scale * Math.sin(p * invFreq[i]);
    }
  }
  return table;
}

/** Up to which length the frequencies are the same for every sequence; null for schemes that do not look at the length. */
export function lengthIndependentUpTo(rope: RopeParameters): number | null {
  if (rope.rope_type === 'dynamic') return rope.max_position_embeddings;
  return rope.rope_type === 'longrope' ? rope.original_max_position_embeddings : null;
}

/**
 * Rows like those of `rotaryTable` for tokens whose rotation depends on their sequence: [T, rotaryDim], of the tokens at
 * `positions` whose sequences had these lengths when they were computed. transformers computes a prompt with the
 * frequencies of its whole length and each later token with those of the length that it makes; keys stay as they are.
 */
export function rotaryRows(
  rope: RopeParameters,
  rotaryDim: number,
  positions: Uint32Array,
  lengths: Uint32Array,
): Float32Array {
  const half = rotaryDim / 2;
  const rows = new Float32Array(positions.length * rotaryDim);
  let length = 0;
  let { invFreq, scale } = inverseFrequencies(rope, rotaryDim, length);
  positions.forEach((position, t) => {
    if (lengths[t] !== length) {
      length = lengths[t];
      ({ invFreq, scale } = inverseFrequencies(rope, rotaryDim, length));
    }
    invFreq.forEach((frequency, i) => {
      rows[t * rotaryDim + i] = scale * Math.cos(position * frequency);
      rows[t * rotaryDim + half + i] = scale * Math.sin(position * frequency);
    });
  });
  return rows;
}

/** The base grows with the length beyond the trained one. */
function dynamicFrequencies(rope: z.infer<typeof schemes.dynamic>, rotaryDim: number, length: number): number[] {
  const { rope_theta, factor, max_position_embeddings: trained } = rope;
  const stretch = (factor * Math.max(length, trained)) / trained - (factor - 1);
  const theta = rope_theta * stretch ** (rotaryDim / (rotaryDim - 2));
  return Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** ((-2 * i) / rotaryDim));
}

/** Short wavelengths stay, long ones are divided by `factor`, those between are blended by how often they turn. */
function llama3Frequency(frequency: number, rope: z.infer<typeof schemes.llama3>): number {
  const { factor, low_freq_factor: low, high_freq_factor: high } = rope;
  const turns = (rope.original_max_position_embeddings * frequency) / (2 * Math.PI);
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const smooth = (turns - low) / (high - low);
  return (1 - smooth) * (frequency / factor) + smooth * frequency;
}

/** Paper §3.2: dimensions that turn more than beta_fast times over the original context stay, those under beta_slow are interpolated. */
function yarnFrequencies(plain: number[], rope: z.infer<typeof schemes.yarn>, rotaryDim: number): number[] {
  const dimensionOf = (turns: number) =>
    (rotaryDim * Math.log(rope.original_max_position_embeddings / (turns * 2 * Math.PI))) /
    (2 * Math.log(rope.rope_theta));
  const round = rope.truncate === false ? { down: Number, up: Number } : { down: Math.floor, up: Math.ceil };
  const low = Math.max(round.down(dimensionOf(rope.beta_fast ?? 32)), 0);
  const high = Math.min(round.up(dimensionOf(rope.beta_slow ?? 1)), rotaryDim - 1);
  const width = high === low ? 0.001 : high - low;
  return plain.map((f, i) => {
    const interpolated = Math.min(Math.max((i - low) / width, 0), 1);
    return (f / rope.factor) * interpolated + f * (1 - interpolated);
  });
}

/** Paper §3.3: the attention temperature, folded into cos and sin. */
function yarnAttentionFactor(rope: z.infer<typeof schemes.yarn>): number {
  if (rope.attention_factor) return rope.attention_factor;
  const mscale = (weight: number) => yarnMscale(rope.factor, weight);
  if (rope.mscale && rope.mscale_all_dim) return mscale(rope.mscale) / mscale(rope.mscale_all_dim);
  return mscale(1);
}

/**
 * What the scale of latent attention's scores is multiplied by: YaRN's temperature on the whole of queries and keys, with
 * mscale_all_dim (`yarn_apply_mscale` of transformers' DeepSeek-V2); the rest of it is in cos and sin.
 */
export function scoreScale(rope: RopeParameters): number {
  if (rope.rope_type !== 'yarn' || !rope.mscale_all_dim) return 1;
  return yarnMscale(rope.factor, rope.mscale_all_dim) ** 2;
}

const yarnMscale = (factor: number, weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);

/** Paper §3.3, as in Phi-3's code: by how many times the context was lengthened. */
function longropeAttentionFactor(rope: z.infer<typeof schemes.longrope>): number {
  if (rope.attention_factor) return rope.attention_factor;
  const { original_max_position_embeddings: original, max_position_embeddings: longest } = rope;
  const factor = rope.factor ?? longest / original;
  return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
}
