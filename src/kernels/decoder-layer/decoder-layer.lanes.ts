/**
 * A decoder layer of one token on lavapipe in one dispatch: see decoder-layer.lanes.wgsl.ts for what happens in it.
 *
 * Shapes: `x [1, H]` f32 → `[1, H]` f32. The same numbers as the ops one by one, sums in the same order.
 * Dispatch: as many workgroups as the device runs together at the moment (share-width.ts), each a share of every phase.
 * Limits: one token; integer weights in one texture each, fed int8 (qkv: f32); H, I and a KV head's queries multiples of
 * 64, D of 16; all of a head rotates, in pairs (i, i + D/2); biases on qkv only. Anything else goes op by op.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import type { DecoderLayer, Linear } from '../ops.ts';
import { withQ8Block } from '../quantize/quantize.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import {
  decoderLayerKernel,
  scratchLayout,
  type DecoderLayerKernelSpec,
  type LayerProduct,
} from './decoder-layer.lanes.wgsl.ts';

/** Times that a dispatch's workgroups meet. */
const MEETINGS = 4;

/** The counter at which the workgroups meet, and where it stands when the next dispatch begins, modulo 2³². */
interface Meeting {
  readonly counter: GPUBuffer;
  arrivals: number;
}
const meetings = new WeakMap<WebGPUContext, Meeting>();

export function lanesDecoderLayer(ctx: WebGPUContext, x: Tensor, layer: DecoderLayer, step: GpuStep): GpuTensor | null {
  const spec = kernelSpec(ctx, x, layer, step);
  if (!spec) return null;
  const { qkv, o, gateUp, down, kv, inputNorm, postAttentionNorm, rotary } = layer;
  const { keys, values } = (kv as GpuKVLayer).storage;
  const { buffer, kv: cache } = step.storage;
  const at = scratchLayout(spec);
  const y = ctx.tensor(x.shape, 'f32');
  const meeting = meetingOf(ctx);
  const workgroups = ctx.shareWidth.current;
  const source = () => withQ8Block(decoderLayerKernel(spec));
  const kernel = ctx.pipelines.get('decoder-layer.lanes', source, {}, JSON.stringify(spec));
  ctx.recorder.dispatch(
    kernel,
    [
      ...[qkv, o, gateUp, down].map(({ weight }) => (weight.storage as LaneMatrix).slices[0].view),
      ...[x, inputNorm, postAttentionNorm, rotary.table].map(bufferOf),
      ...[buffer, cache.storage.slotTable, keys, values],
      ctx.tensor([at.floats], 'f32').storage,
      ctx.tensor([at.vectors * 4], 'f32').storage,
      ctx.tensor([at.codes * 4], 'u32').storage,
      y.storage,
      meeting.counter,
      ...(qkv.bias ? [bufferOf(qkv.bias)] : []),
    ],
    new Uint32Array([workgroups, meeting.arrivals]),
    workgroups,
  );
  ctx.step.workgroups = workgroups;
  if (workgroups > 1) meeting.arrivals = (meeting.arrivals + MEETINGS * workgroups) >>> 0;
  return y;
}

function meetingOf(ctx: WebGPUContext): Meeting {
  let meeting = meetings.get(ctx);
  if (!meeting) {
    meeting = { counter: ctx.constantBuffer(new Uint32Array(1), 'arrivals'), arrivals: 0 };
    meetings.set(ctx, meeting);
  }
  return meeting;
}

/** What the kernel is made for, or null where it does not apply. */
function kernelSpec(
  ctx: WebGPUContext,
  x: Tensor,
  layer: DecoderLayer,
  { numTokens, storage }: GpuStep,
): DecoderLayerKernelSpec | null {
  const { qkv, o, gateUp, down, rotary, attention, kv } = layer;
  if (numTokens !== 1 || ctx.activations !== 'int8' || o.bias || gateUp.bias || down.bias) return null;
  const products = [qkv, o, gateUp, down];
  if (!products.every(({ weight }) => isInteger(weight.format) && (weight.storage as LaneMatrix).slices.length === 1)) {
    return null;
  }
  const { headDim, kvHeads } = kv;
  const { dtype } = (kv as GpuKVLayer).storage;
  const hidden = x.shape[1];
  const intermediate = down.weight.cols;
  const group = attention.heads / kvHeads;
  const rotates = rotary.rotaryDim === headDim && !rotary.interleaved && headDim % 16 === 0;
  const isWhole = [hidden, intermediate, group * headDim].every((n) => n % 64 === 0);
  if (!rotates || !isWhole) return null;
  const { maxLength } = storage.kv.spec;
  return {
    mostWorkgroups: ctx.gpu.concurrentWorkgroups,
    hidden,
    intermediate,
    eps: layer.rmsNormEps,
    qkvBias: qkv.bias !== undefined,
    qkv: product(qkv, 'f32'),
    o: product(o, 'q8'),
    gateUp: product(gateUp, 'q8'),
    down: product(down, 'q8'),
    attention: { mode: 'decode', group, headDim, kvHeads, dtype, maxLength, ...attention },
  };
}

const isInteger = (format: string) => format === 'int4' || format === 'int8';

function product({ weight }: Linear, activation: 'f32' | 'q8'): LayerProduct {
  const { layout } = weight.storage as LaneMatrix;
  return {
    format: weight.format,
    groupSize: layout.groupSize,
    activation,
    texelsPerUnit: layout.texelsPerUnit,
    unitsPerBlock: layout.units,
    rows: weight.rows,
    columns: weight.cols,
  };
}
