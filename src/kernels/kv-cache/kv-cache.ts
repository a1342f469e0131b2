/** The token-level KV cache on the device: per layer keys and values `[slots + 1, Hkv, D]`; the last slot is the sink. */
import { EngineError } from '../../errors.ts';
import type { KVCache, KVCacheSpec, KVLayer } from '../ops.ts';
import type { WebGPUContext } from '../webgpu-context.ts';

export interface GpuKVLayer extends KVLayer {
  readonly storage: { readonly keys: GPUBuffer; readonly values: GPUBuffer; readonly dtype: 'f16' | 'f32' };
}

export interface GpuKVCache extends KVCache {
  readonly layers: readonly GpuKVLayer[];
  readonly storage: {
    /** `[maxRequests, maxLength]` u32 */
    readonly slotTable: GPUBuffer;
    /** `[maxRequests]` u32: see StepBatch.tokenIds */
    readonly lastTokens: GPUBuffer;
    /** `[maxRequests, maxLength]` u32: see Ops.writeTokens */
    readonly tokens: GPUBuffer;
  };
}

/** Allocates everything at once: nothing is allocated after load. Throws out_of_memory when one binding cannot hold a layer. */
export function createGpuKVCache(ctx: WebGPUContext, spec: KVCacheSpec): GpuKVCache {
  const { device } = ctx.gpu;
  const bytes = (spec.slots + 1) * spec.kvHeads * spec.headDim * (spec.dtype === 'f16' ? 2 : 4);
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  if (bytes > limit) {
    const most = Math.floor((limit / bytes) * spec.slots);
    throw new EngineError(
      'out_of_memory',
      `max_total_token_num ${spec.slots} needs ${bytes} bytes of keys a layer, this adapter binds ${limit}: use at most ${most}`,
      { param: 'max_total_token_num' },
    );
  }
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = (label: string, size: number) =>
    device.createBuffer({ label, size: Math.max(16, Math.ceil(size / 16) * 16), usage });
  const layers = Array.from({ length: spec.layers }, (_, i) => ({
    kvHeads: spec.kvHeads,
    headDim: spec.headDim,
    storage: { keys: buffer(`keys ${i}`, bytes), values: buffer(`values ${i}`, bytes), dtype: spec.dtype },
  }));
  return {
    spec,
    layers,
    storage: {
      slotTable: buffer('slot table', spec.maxRequests * spec.maxLength * 4),
      lastTokens: buffer('last tokens', spec.maxRequests * 4),
      tokens: buffer('tokens', spec.maxRequests * spec.maxLength * 4),
    },
  };
}
