/** The token-level KV cache on the device: per layer keys and values `[slots + 1, Hkv, D]`; the last slot is the sink. */
import { EngineError } from '../../errors.ts';
import type { KVCache, KVCacheSpec, KVLayer, KVLayerSpec } from '../ops.ts';
import type { WebGPUContext } from '../webgpu-context.ts';

export interface GpuKVLayer extends KVLayer {
  readonly storage: { readonly keys: GPUBuffer; readonly values: GPUBuffer };
}

export interface GpuKVCache extends KVCache {
  readonly layers: readonly GpuKVLayer[];
  readonly storage: {
    /** `[maxRequests, maxLength]` u32 for each group. */
    readonly slotTables: readonly GPUBuffer[];
    /** `[maxRequests]` u32: see StepBatch.tokenIds */
    readonly lastTokens: GPUBuffer;
    /** `[maxRequests, maxLength]` u32: see Ops.writeTokens */
    readonly tokens: GPUBuffer;
  };
}

/** Allocates everything at once: nothing is allocated after load. Throws out_of_memory when one binding cannot hold a layer. */
export function createGpuKVCache(ctx: WebGPUContext, spec: KVCacheSpec): GpuKVCache {
  const { device } = ctx.gpu;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = (label: string, size: number) =>
    device.createBuffer({ label, size: Math.max(16, Math.ceil(size / 16) * 16), usage });
  const layers = spec.layers.map((layer, i) => {
    const bytes = layerBytes(ctx, layer, spec.groups[layer.group].slots);
    return { ...layer, storage: { keys: buffer(`keys ${i}`, bytes), values: buffer(`values ${i}`, bytes) } };
  });
  const table = (label: string) => buffer(label, spec.maxRequests * spec.maxLength * 4);
  return {
    spec,
    layers,
    storage: {
      slotTables: spec.groups.map((_, i) => table(`slot table ${i}`)),
      lastTokens: buffer('last tokens', spec.maxRequests * 4),
      tokens: table('tokens'),
    },
  };
}

/** Of the keys of one layer, and of its values. */
function layerBytes(ctx: WebGPUContext, { kvHeads, headDim, dtype }: KVLayerSpec, slots: number): number {
  const { limits } = ctx.gpu.device;
  const bytes = (slots + 1) * kvHeads * headDim * (dtype === 'f16' ? 2 : 4);
  const limit = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  if (bytes <= limit) return bytes;
  const most = Math.floor((limit / bytes) * slots);
  throw new EngineError(
    'out_of_memory',
    `max_total_token_num ${slots} needs ${bytes} bytes of keys a layer, this adapter binds ${limit}: use at most ${most}`,
    { param: 'max_total_token_num' },
  );
}
