/**
 * Rotary position embedding and KV store: for a pair (a, b) of a query or key head at position p with angle p·θᵢ,
 * `(a cos - b sin, b cos + a sin)`; keys and values then go to the token's slot.
 *
 * Shapes: `qkv [T, (Hq + 2·Hkv)·D]` f32, `table [maxLength, rotaryDim]` f32 → `q [T, Hq·D]` f32; keys, values
 * `[slots, Hkv, D]` f16 or f32. Dispatch: a workgroup owns a token and some element pairs of its heads.
 * Limits: D and rotaryDim even, T ≤ 65535. Source: RoFormer (arXiv 2104.09864); pairing as in Hugging Face llama.
 */
import { wgsl, withElement } from '../../gpu/pipelines.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import type { KVLayer, RotarySpec, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';

export function rotaryStoreKV(
  ctx: WebGPUContext,
  qkv: Tensor,
  rotary: RotarySpec,
  layer: KVLayer,
  step: Step,
): GpuTensor {
  const { kvHeads, headDim, storage } = layer as GpuKVLayer;
  const { buffer, kv } = (step as GpuStep).storage;
  const tokens = step.numTokens;
  const heads = qkv.shape[1] / headDim - 2 * kvHeads;
  // lavapipe: few small workgroups, each with a loop; GPUs: one item a thread.
  const [workgroup, items] = ctx.kernelSet === 'cpu-adapter' ? [8, 256] : [64, 64];
  const kernel = ctx.pipelines.get(
    `rotary-store-kv-${storage.dtype}`,
    () => withElement(wgsl('rotary-store-kv.wgsl', import.meta.url), storage.dtype),
    {
      HQ: heads,
      HKV: kvHeads,
      D: headDim,
      ROTARY: rotary.rotaryDim,
      INTERLEAVED: rotary.interleaved ? 1 : 0,
      MAX_LENGTH: kv.spec.maxLength,
      WORKGROUP: workgroup,
      ITEMS: items,
    },
  );
  const q = ctx.tensor([tokens, heads * headDim], 'f32');
  ctx.recorder.dispatch(
    kernel,
    [bufferOf(qkv), buffer, bufferOf(rotary.table), q.storage, storage.keys, storage.values, kv.storage.slotTable],
    new Uint32Array([tokens]),
    tokens,
    Math.ceil(((heads + 2 * kvHeads) * headDim) / 2 / items),
  );
  return q;
}
