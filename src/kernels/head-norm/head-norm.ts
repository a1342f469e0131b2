/**
 * RMSNorm of each query head and each key head: `h / sqrt(mean(h²) + eps) · weight`; or LayerNorm without bias; or of all
 * query heads together and of all key heads together.
 *
 * Shapes: `qkv [T, (Hq + 2·Hkv)·D]`, `query` `[D]` or `[Hq·D]`, `key` `[D]` or `[Hkv·D]` → the shape of qkv, values copied.
 * All f32. Dispatch: a workgroup owns what is normalized together; on lavapipe a whole token. Source: Henry et al. 2020, as
 * in Qwen3 and Gemma 3; LayerNorm as in Command R+, together as in OLMo 2.
 */
import { compose } from '../../gpu/wgsl.ts';
import { numel, type Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import type { HeadNorms, KVLayer } from '../ops.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function headNorm(ctx: WebGPUContext, qkv: Tensor, norms: HeadNorms, eps: number, layer: KVLayer): GpuTensor {
  const { headDim, kvHeads } = layer;
  const [tokens, width] = qkv.shape;
  const heads = width / headDim;
  const y = ctx.tensor(qkv.shape, 'f32');
  const together = norms.over === 'heads';
  const name = ctx.variant('head-norm');
  // A head has few dimensions: a quarter of the threads that other rows get.
  const defines = name === 'head-norm' ? { SIZE: 64 } : {};
  const kernel = ctx.pipelines.get(name, () => compose(`${name}.wgsl`, import.meta.url, defines), {
    LAYER: norms.kind === 'layer' ? 1 : 0,
    TOGETHER: together ? 1 : 0,
  });
  const resources = [bufferOf(qkv), bufferOf(norms.query), bufferOf(norms.key), y.storage];
  const params = new Uint32Array([
    heads,
    kvHeads,
    headDim,
    floatBits(eps),
    ...[norms.query, norms.key].map(({ shape }) => numel(shape)),
  ]);
  ctx.recorder.does(() => moves([qkv, norms.query, norms.key, y], 4));
  if (name === 'head-norm.lavapipe') ctx.recorder.dispatch(kernel, resources, params, tokens);
  else ctx.recorder.dispatch(kernel, resources, params, together ? 3 : heads, tokens);
  return y;
}
