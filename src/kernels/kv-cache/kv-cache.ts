/**
 * The token-level KV cache on the device: per layer keys and values `[slots + 1, Hkv, D]` in the dtype's own layout
 * (cache-format.ts), or latents `[slots + 1, rank + ropeDim]`; the last slot is the sink.
 * Recurrent states are rows of requests, `[stateRows, floats]`.
 */
import { largestBinding } from '../../gpu/device.ts';
import { EngineError } from '../../errors.ts';
import type { AttendedLayerSpec, KVCache, KVCacheSpec, KVLayer, LatentLayer, StateLayer } from '../ops.ts';
import { headShape } from '../attention/head-shape.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import { checkHeadDim } from './cache-format.ts';
import { slotBytes } from './slot-bytes.ts';

export interface GpuKVLayer extends KVLayer {
  readonly storage: { readonly keys: GPUBuffer; readonly values: GPUBuffer };
}

export interface GpuLatentLayer extends LatentLayer {
  readonly storage: { readonly latents: GPUBuffer };
}

export interface GpuStateLayer extends StateLayer {
  readonly storage: { readonly states: GPUBuffer };
}

/** Of those that attention reads. */
export type GpuCacheLayer = GpuKVLayer | GpuLatentLayer;

export interface GpuKVCache extends KVCache {
  readonly layers: readonly (GpuCacheLayer | GpuStateLayer)[];
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
    if (layer.kind === 'state') {
      const bytes = bindable(ctx, layer.floats * 4 * (spec.stateRows ?? 0));
      return { ...layer, storage: { states: buffer(`states ${i}`, bytes) } };
    }
    const sizes = layerBytes(ctx, layer, spec.groups[layer.group].slots);
    const made = (name: string, j: number) => buffer(`${name} ${i}`, sizes[j]);
    switch (layer.kind) {
      case 'kv':
        return { ...layer, storage: { keys: made('keys', 0), values: made('values', 1) } };
      case 'latent':
        return { ...layer, storage: { latents: made('latents', 0) } };
      default:
        return layer satisfies never;
    }
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

function bindable({ gpu }: WebGPUContext, bytes: number): number {
  if (bytes <= largestBinding(gpu.device)) return bytes;
  const message = `a layer's recurrent states need ${bytes} bytes, which is more than this adapter binds: lower --running_max_req_size or --linear_att_cache_size`;
  throw new EngineError('out_of_memory', message, { param: 'running_max_req_size' });
}

/** What attention reads: latents are keys and values in one. */
export function headBuffers(layer: GpuCacheLayer): { readonly keys: GPUBuffer; readonly values: GPUBuffer } {
  switch (layer.kind) {
    case 'kv':
      return layer.storage;
    case 'latent':
      return { keys: layer.storage.latents, values: layer.storage.latents };
    default:
      return layer satisfies never;
  }
}

/** Of each of a layer's buffers. */
function layerBytes(ctx: WebGPUContext, layer: AttendedLayerSpec, slots: number): number[] {
  checkHeadDim(layer.dtype, headShape(layer).keyDim);
  const sizes = slotBytes(layer).map((bytes) => (slots + 1) * bytes);
  const largest = Math.max(...sizes);
  const limit = largestBinding(ctx.gpu.device);
  if (largest <= limit) return sizes;
  const most = Math.floor((limit / largest) * slots);
  throw new EngineError(
    'out_of_memory',
    `max_total_token_num ${slots} needs ${largest} bytes of keys a layer, this adapter binds ${limit}: use at most ${most}`,
    { param: 'max_total_token_num' },
  );
}
