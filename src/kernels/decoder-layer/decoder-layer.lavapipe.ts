/**
 * A decoder layer of one token of each row on lavapipe in one dispatch: see decoder-layer.lavapipe.wgsl.ts for what happens in it.
 *
 * Shapes: `x [T, H]` f32 → `[T, H]` f32. The same numbers as the ops one by one, sums in the same order.
 * Dispatch: a workgroup a core; more or fewer work too.
 * Limits: no two tokens of a row; integer weights in one texture each, fed int8 (qkv: f32); H, I and a KV head's queries
 * multiples of 64, D of 16; all of a head rotates, in pairs (i, i + D/2); biases on qkv only. Anything else goes op by op.
 */
import { availableParallelism } from 'node:os';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import type { DecoderLayer, Linear } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import {
  decoderLayerKernel,
  itemCount,
  scratchLayout,
  type DecoderLayerKernelSpec,
  type LayerProduct,
} from './decoder-layer.lavapipe.wgsl.ts';

/** A decode step has few items a phase, so more would only look on. */
const WORKGROUPS = Math.min(16, availableParallelism());

/** Counters of the items that workgroups have taken and done, and where they stand when the next dispatch begins, modulo 2³². */
interface WorkQueue {
  readonly takenCounter: GPUBuffer;
  readonly doneCounter: GPUBuffer;
  taken: number;
  done: number;
}
const queues = new WeakMap<WebGPUContext, WorkQueue>();

export function lavapipeDecoderLayer(
  ctx: WebGPUContext,
  x: Tensor,
  layer: DecoderLayer,
  step: GpuStep,
): GpuTensor | null {
  const spec = kernelSpec(ctx, x, layer, step);
  if (!spec) return null;
  const { qkv, o, gateUp, down, kv, inputNorm, postAttentionNorm, rotary } = layer;
  const { keys, values } = (kv as GpuKVLayer).storage;
  const { buffer, slotTable } = step.storage.groups[kv.group];
  const tokens = step.numTokens;
  const at = scratchLayout(spec);
  const y = ctx.tensor(x.shape, 'f32');
  const queue = queueOf(ctx);
  const kernel = ctx.pipelines.get('decoder-layer.lavapipe', () => decoderLayerKernel(spec), {}, JSON.stringify(spec));
  ctx.recorder.dispatch(
    kernel,
    [
      ...[qkv, o, gateUp, down].map(({ weight }) => (weight.storage as LaneMatrix).slices[0].view),
      ...[x, inputNorm, postAttentionNorm, rotary.table].map(bufferOf),
      ...[buffer, slotTable, keys, values],
      ctx.tensor([tokens * at.floats], 'f32').storage,
      ctx.tensor([tokens * at.vectors * 4], 'f32').storage,
      ctx.tensor([tokens * at.codes * 4], 'u32').storage,
      y.storage,
      queue.takenCounter,
      queue.doneCounter,
      ...(qkv.bias ? [bufferOf(qkv.bias)] : []),
    ],
    new Uint32Array([tokens, queue.taken, queue.done, step.storage.kv.spec.maxLength]),
    WORKGROUPS,
  );
  const items = itemCount(spec, tokens);
  // Each workgroup takes one more in the end, finds that it is none, and leaves.
  queue.taken = (queue.taken + items + WORKGROUPS) >>> 0;
  queue.done = (queue.done + items) >>> 0;
  return y;
}

function queueOf(ctx: WebGPUContext): WorkQueue {
  let queue = queues.get(ctx);
  if (!queue) {
    const counter = (label: string) => ctx.constantBuffer(new Uint32Array(1), label);
    queue = { takenCounter: counter('items taken'), doneCounter: counter('items done'), taken: 0, done: 0 };
    queues.set(ctx, queue);
  }
  return queue;
}

/**
 * What the kernel is made for, or null where it does not apply. Every field is taken out by name, so that one that is new
 * does not compile here before somebody has said what the kernel makes of it; at run time it means op by op.
 */
function kernelSpec(
  ctx: WebGPUContext,
  x: Tensor,
  layer: DecoderLayer,
  { numTokens, storage }: GpuStep,
): DecoderLayerKernelSpec | null {
  const { qkv, o, gateUp, down, inputNorm: _1, postAttentionNorm: _2, eps, ...more } = layer;
  const { headNorms, activation, rotary, attention, kv, ...unknown } = more;
  const { headDim: rotaryHeadDim, rotaryDim, interleaved, table: _3, dynamic, ...unknownRotary } = rotary;
  const { heads, scale, slidingWindow, softcap, ...unknownAttention } = attention;
  const { kvHeads, headDim, dtype, group: _4, storage: _5, ...unknownCache } = kv;
  if (![unknown, unknownRotary, unknownAttention, unknownCache].every(isNothing)) return null;
  if (headNorms !== null || activation !== 'silu' || dynamic) return null;
  if (storage.prefillTiles.count > 0 || ctx.activations !== 'int8' || o.bias || gateUp.bias || down.bias) return null;
  if (![qkv, o, gateUp, down].every(isWholeIntegers)) return null;
  const hidden = x.shape[1];
  const intermediate = down.weight.cols;
  const group = heads / kvHeads;
  const rotates = rotaryDim === headDim && rotaryHeadDim === headDim && !interleaved && headDim % 16 === 0;
  const isWhole = [hidden, intermediate, group * headDim].every((n) => n % 64 === 0);
  if (!rotates || !isWhole) return null;
  return {
    tile: numTokens <= 2 ? { units: 4, tokens: 1 } : { units: 2, tokens: 4 },
    hidden,
    intermediate,
    eps,
    qkvBias: qkv.bias !== undefined,
    qkv: product(qkv, 'f32'),
    o: product(o, 'q8'),
    gateUp: product(gateUp, 'q8'),
    down: product(down, 'q8'),
    attention: {
      ...{ mode: 'decode', group, headDim, kvHeads, dtype, scale },
      ...(slidingWindow === undefined ? {} : { slidingWindow }),
      ...(softcap === undefined ? {} : { softcap }),
    },
  };
}

/** Takes no field that is not known: a rest with one does not compile. */
function isNothing(rest: Record<string, never>): boolean {
  return Object.keys(rest).length === 0;
}

function isWholeIntegers({ weight, bias: _, ...unknown }: Linear): boolean {
  const isInteger = weight.format === 'int4' || weight.format === 'int8';
  return isNothing(unknown) && isInteger && (weight.storage as LaneMatrix).slices.length === 1;
}

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
