/**
 * RMSNorm of each query head and each key head before their rotation: `h / sqrt(mean(h²) + eps) · weight`.
 *
 * Shapes: `qkv [T, (Hq + 2·Hkv)·D]`, `query, key [D]` → the same shape, values copied. All f32. Dispatch: a workgroup
 * owns a head of a token; on lavapipe all heads of a token. Source: Henry et al. 2020, as in Qwen3 and Gemma 3.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import type { HeadNorms, KVLayer } from '../ops.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';

export function headNorm(ctx: WebGPUContext, qkv: Tensor, norms: HeadNorms, eps: number, layer: KVLayer): GpuTensor {
  const { headDim, kvHeads } = layer;
  const [tokens, width] = qkv.shape;
  const heads = width / headDim;
  const y = ctx.tensor(qkv.shape, 'f32');
  const name = ctx.variant('head-norm');
  const kernel = ctx.pipelines.get(name, () => compose(`${name}.wgsl`, import.meta.url));
  const resources = [bufferOf(qkv), bufferOf(norms.query), bufferOf(norms.key), y.storage];
  const params = new Uint32Array([heads, kvHeads, headDim, floatBits(eps)]);
  if (name === 'head-norm.lavapipe') ctx.recorder.dispatch(kernel, resources, params, tokens);
  else ctx.recorder.dispatch(kernel, resources, params, heads, tokens);
  return y;
}
