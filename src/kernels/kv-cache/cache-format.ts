/**
 * How a head's keys or values `[D]` lie in the cache, by dtype: bytes, and the WGSL that loads and stores them
 * (cache.*.wgsl), which every kernel that binds a cache includes.
 */
import { EngineError } from '../../errors.ts';
import type { Defines } from '../../gpu/wgsl.ts';
import type { KVDtype } from '../ops.ts';

/** Dimensions that share a scale and a minimum at most. */
const LARGEST_GROUP = 32;

/** Bits of a code; null: floats, which are stored as they are. */
const codeBits = { f32: null, f16: null, int8: 8, int4: 4 } as const satisfies Record<KVDtype, number | null>;

/** Dimensions of a head that share a scale and a minimum: all groups of a head are of one size. */
export function quantizedGroup(headDim: number): number {
  let group = LARGEST_GROUP;
  while (headDim % group !== 0) group /= 2;
  return group;
}

/** 32-bit words of a head. */
function headWords(dtype: KVDtype, headDim: number): number {
  const bits = codeBits[dtype];
  if (bits === null) return (headDim * (dtype === 'f16' ? 2 : 4)) / 4;
  return headDim / quantizedGroup(headDim) + (headDim * bits) / 32;
}

/** Bytes of a head's keys, and of its values. */
export function headBytes(dtype: KVDtype, headDim: number): number {
  return headWords(dtype, headDim) * 4;
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
  const bits = codeBits[dtype];
  const cache = { HEAD_DIM: headDim, Cache: `ptr<storage, array<Stored>, ${access}>` };
  if (bits === null) return { file: `cache.${dtype}.wgsl`, defines: cache, units: headDim / 4 };
  const group = quantizedGroup(headDim);
  const unit = { UNIT_QUADS: group / 4, UNIT_SIZE: 1 + (group * bits) / 32 };
  return {
    file: 'cache.quantized.wgsl',
    defines: { ...cache, ...unit, 'codes.int8.wgsl': `codes.${dtype}.wgsl` },
    units: headDim / group,
  };
}
