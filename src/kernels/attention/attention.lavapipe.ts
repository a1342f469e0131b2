/**
 * Causal attention over token slots on lavapipe: `softmax(q·k · scale)·v` for each token over its row's slots
 * 0 … position, f32 throughout, keys and values in any KVDtype.
 *
 * Shapes: `q [T, Hq·D]` f32 → `[T, Hq·D]` f32. Dispatch: tiles of up to 8 tokens of one row go to the prefill kernel, single tokens to
 * the decode kernel (attention.lavapipe.wgsl.ts); one workgroup per KV head and tile or token. Limits: D a multiple of 8.
 * Source: online softmax (arXiv 1805.02867), grouped queries (arXiv 2305.13245), token slots (LightLLM's token attention).
 */
import { EngineError } from '../../errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import type { AttentionSpec } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { attentionWork } from './attention-work.ts';
import { attentionKernel, attentionKernelName, type AttentionKernelSpec } from './attention.lavapipe.wgsl.ts';

export function lavapipeAttention(
  ctx: WebGPUContext,
  q: Tensor,
  layer: GpuKVLayer,
  step: GpuStep,
  spec: AttentionSpec,
): GpuTensor {
  const { headDim, kvHeads, dtype, storage } = layer;
  const { groups, kv, prefillTiles, decodeTokens } = step.storage;
  const { buffer, slotTable } = groups[layer.group];
  if (headDim % 8 !== 0) {
    throw new EngineError('unsupported_model', `head_dim ${headDim} is not a multiple of 8`, { param: 'head_dim' });
  }
  const y = ctx.tensor(q.shape, 'f32');
  const resources = [bufferOf(q), storage.keys, storage.values, buffer, slotTable, y.storage];
  const run = (mode: AttentionKernelSpec['mode'], list: { offset: number; count: number }) => {
    if (list.count === 0) return;
    const kernelSpec: AttentionKernelSpec = {
      mode,
      group: spec.heads / kvHeads,
      headDim,
      kvHeads,
      dtype,
      scale: spec.scale,
      ...(spec.slidingWindow === undefined ? {} : { slidingWindow: spec.slidingWindow }),
      ...(spec.softcap === undefined ? {} : { softcap: spec.softcap }),
      ...(spec.alibi === undefined ? {} : { alibi: spec.alibi }),
    };
    const kernel = ctx.pipelines.get(attentionKernelName(kernelSpec), () => attentionKernel(kernelSpec));
    const params = new Uint32Array([step.numTokens, list.offset, kv.spec.maxLength]);
    ctx.recorder.does(() => attentionWork(step, layer, spec, mode));
    ctx.recorder.dispatch(kernel, resources, params, list.count, kvHeads);
  };
  run('prefill', prefillTiles);
  run('decode', decodeTokens);
  return y;
}
