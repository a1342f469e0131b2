import type { Kernel } from '../../gpu/pipelines.ts';
import { compose, type Defines } from '../../gpu/wgsl.ts';
import { cacheFormat } from '../kv-cache/cache-format.ts';
import type { GpuCacheLayer } from '../kv-cache/kv-cache.ts';
import type { AttentionSpec } from '../ops.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import { headShape } from './head-shape.ts';

/** attention.flash.wgsl or attention.matrix.wgsl for a layer's cache, heads and sinks. @param tile what else its text depends on */
export function attentionKernel(
  { pipelines }: WebGPUContext,
  kind: 'flash' | 'matrix',
  layer: GpuCacheLayer,
  { sinks }: AttentionSpec,
  tile: { readonly sizes: string; readonly unit?: string; readonly defines: Defines },
): Kernel {
  const { keyDim, valueDim } = headShape(layer);
  const { file, defines: cache } = cacheFormat(layer.dtype, keyDim, 'read');
  const own = { ...cache, 'cache.f32.wgsl': file, ...tile.defines, VALUE_DIM: valueDim };
  const defines = sinks ? { ...own, 'no-sinks.wgsl': 'sinks.wgsl' } : own;
  const sizes = `${tile.sizes}x${keyDim === valueDim ? keyDim : `${keyDim}-${valueDim}`}`;
  const parts = [layer.dtype, sizes, ...(tile.unit ? [tile.unit] : []), ...(sinks ? ['sinks'] : [])];
  const name = `attention.${kind}.${parts.join('-')}`;
  return pipelines.get(name, () => compose(`attention.${kind}.wgsl`, import.meta.url, defines));
}
