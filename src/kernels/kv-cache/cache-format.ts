/**
 * How a head's keys or values `[D]` lie in the cache, by dtype: bytes, and the WGSL that loads and stores them
 * (cache.*.wgsl), which every kernel that binds a cache includes.
 */
import { EngineError } from '../../errors.ts';
import type { Defines } from '../../gpu/wgsl.ts';
import type { KVDtype } from '../ops.ts';

/** Of a layer's cache. Latents, which are keys and values in one, are kept as keys. */
export type CachePart = 'keys' | 'values';

/** Bits of a code; null: floats, which are stored as they are. Four are too few for keys (docs/log.md). */
export const codeBits = {
  f32: { keys: null, values: null },
  f16: { keys: null, values: null },
  int8: { keys: 8, values: 8 },
  int4: { keys: 8, values: 4 },
} as const satisfies Record<KVDtype, Record<CachePart, 8 | 4 | null>>;

const LARGEST_UNIT = 32;

/** Dimensions of a unit of integers: those that share a scale and a least value where codes have eight bits. */
export function unitDimensions(headDim: number): number {
  let dimensions = LARGEST_UNIT;
  while (headDim % dimensions !== 0) dimensions /= 2;
  return dimensions;
}

/** 32-bit words of so many dimensions: codes of eight bits behind one word, or of four bits behind 16 bits for each eight of them. */
function unitWords(bits: 8 | 4, dimensions: number): number {
  return bits === 8 ? 1 + dimensions / 4 : Math.ceil(dimensions / 16) + dimensions / 8;
}

/** Bytes of a head's keys, or of its values. */
export function headBytes(dtype: KVDtype, part: CachePart, headDim: number): number {
  const bits = codeBits[dtype][part];
  if (bits === null) return headDim * (dtype === 'f16' ? 2 : 4);
  const dimensions = unitDimensions(headDim);
  return (headDim / dimensions) * unitWords(bits, dimensions) * 4;
}

/** @throws EngineError bad_flag where a head does not fill whole words of the dtype, with the dtypes that can hold it */
export function checkHeadDim(dtype: KVDtype, headDim: number): void {
  const multiple = (of: KVDtype) => (of === 'int4' ? 8 : 4);
  if (headDim % multiple(dtype) === 0) return;
  const others = (Object.keys(codeBits) as KVDtype[]).filter((other) => headDim % multiple(other) === 0);
  const instead = others.length > 0 ? `; ${others.join(', ')} can hold it` : '';
  throw new EngineError(
    others.length > 0 ? 'bad_flag' : 'unsupported_model',
    `--kv_cache_dtype ${dtype}: the model's heads of ${headDim} are no multiple of ${multiple(dtype)}${instead}`,
    { param: others.length > 0 ? 'kv_cache_dtype' : 'head_dim' },
  );
}

/** What a kernel includes to load and store heads of the cache, beside its own module. */
export interface CacheFormat {
  /** `cache.f32.wgsl`, or the file that stands for it. */
  readonly file: string;
  readonly defines: Defines;
  /** Units of a head: what one invocation stores. */
  readonly units: number;
}

/** @param access how the kernel binds keys and values */
export function cacheFormat(dtype: KVDtype, headDim: number, access: 'read' | 'read_write'): CacheFormat {
  const { keys, values } = codeBits[dtype];
  const cache = { HEAD_DIM: headDim, Cache: `ptr<storage, array<Stored>, ${access}>` };
  if (keys === null) return { file: `cache.${dtype}.wgsl`, defines: cache, units: headDim / 4 };
  const dimensions = unitDimensions(headDim);
  const sizes = { UNIT_SIZE: unitWords(keys, dimensions), VALUE_UNIT_SIZE: unitWords(values, dimensions) };
  return {
    file: 'cache.quantized.wgsl',
    defines: { ...cache, ...sizes, UNIT_QUADS: dimensions / 4, VALUE_BITS: values },
    units: headDim / dimensions,
  };
}
