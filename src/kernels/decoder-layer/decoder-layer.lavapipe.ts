/**
 * A decoder layer of one token of each row on lavapipe in one dispatch: see decoder-layer.lavapipe.wgsl.ts for what happens in it.
 *
 * Shapes: `x [T, H]` f32 → `[T, H]` f32. The same numbers as the ops one by one, sums in the same order.
 * Dispatch: a workgroup a core; more or fewer work too.
 * Limits: no two tokens of a row; integer weights in one texture each, fed int8 (qkv: f32); H, I and a KV head's queries
 * multiples of 64, D of 8; at most four of the vectors that not every layer has (biases, head norms). Anything else goes op by op.
 */
import { availableParallelism } from 'node:os';
import { numel, type Tensor } from '../../tensor/tensor.ts';
import { activationCode } from '../activation/activation.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import type { DecoderLayer, HeadNorms, Linear } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { decoderLayerKernel, itemCount, storageBuffers } from './decoder-layer.lavapipe.wgsl.ts';
import {
  scratchLayout,
  type DecoderLayerConstants,
  type DecoderLayerKernelSpec,
  type LayerProduct,
} from './layer-spec.ts';

/** A decode step has few items a phase, so more would only look on. */
const WORKGROUPS = Math.min(16, availableParallelism());

/** Counters of the items that workgroups have taken and done, and where they stand when the next dispatch begins, modulo 2³². */
interface WorkQueue {
  readonly counters: GPUBuffer;
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
  const { qkv, headNorms, o, gateUp, down, kv, inputNorm, postAttentionNorm, rotary } = layer;
  const { keys, values } = (kv as GpuKVLayer).storage;
  const { buffer, slotTable } = step.storage.groups[kv.group];
  const tokens = step.numTokens;
  const at = scratchLayout(spec);
  const y = ctx.tensor(x.shape, 'f32');
  const queue = queueOf(ctx);
  const byToken = rotary.dynamic ? step.storage.rotaryRows : null;
  const constants: DecoderLayerConstants = {
    ACTIVATION: activationCode[layer.activation],
    INTERLEAVED: rotary.interleaved ? 1 : 0,
    BY_TOKEN: byToken ? 1 : 0,
  };
  const source = () => decoderLayerKernel(spec);
  const kernel = ctx.pipelines.get('decoder-layer.lavapipe', source, { ...constants }, JSON.stringify(spec));
  // In the order of optionalVectors in decoder-layer.lavapipe.wgsl.ts.
  const optional = [qkv.bias, o.bias, gateUp.bias, down.bias, headNorms?.query, headNorms?.key];
  ctx.recorder.dispatch(
    kernel,
    [
      ...[qkv, o, gateUp, down].map(({ weight }) => (weight.storage as LaneMatrix).slices[0].view),
      ...[x, inputNorm, postAttentionNorm, byToken ?? rotary.table].map(bufferOf),
      ...[buffer, slotTable, keys, values],
      ctx.tensor([tokens * at.floats], 'f32').storage,
      ctx.tensor([tokens * at.texels * 4], 'u32').storage,
      y.storage,
      queue.counters,
      ...optional.filter((tensor) => tensor !== undefined).map(bufferOf),
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
    // The kernel's Queue, 128 bytes.
    queue = { counters: ctx.constantBuffer(new Uint32Array(32), 'items taken and done'), taken: 0, done: 0 };
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
  const { headNorms, activation: _3, rotary, attention, kv, ...unknown } = more;
  const { headDim: rotaryHeadDim, rotaryDim, interleaved: _4, table: _5, dynamic: _6, ...unknownRotary } = rotary;
  const { heads, scale, slidingWindow, softcap, ...unknownAttention } = attention;
  const { kvHeads, headDim, dtype, group: _7, storage: _8, ...unknownCache } = kv;
  if (![unknown, unknownRotary, unknownAttention, unknownCache].every(isNothing)) return null;
  if (storage.prefillTiles.count > 0 || ctx.activations !== 'int8') return null;
  if (![qkv, o, gateUp, down].every(isWholeIntegers)) return null;
  if (headNorms && !isHeadByHead(headNorms, headDim)) return null;
  const hidden = x.shape[1];
  const intermediate = down.weight.cols;
  const group = heads / kvHeads;
  const isWhole = [hidden, intermediate, group * headDim].every((n) => n % 64 === 0) && headDim % 8 === 0;
  if (rotaryHeadDim !== headDim || !isWhole) return null;
  const spec: DecoderLayerKernelSpec = {
    tile: numTokens <= 2 ? { units: 4, tokens: 1 } : { units: 2, tokens: 4 },
    hidden,
    intermediate,
    eps,
    headNorms: headNorms !== null,
    rotaryDim,
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
  return storageBuffers(spec) > ctx.gpu.device.limits.maxStorageBuffersPerShaderStage ? null : spec;
}

/** Takes no field that is not known: a rest with one does not compile. */
function isNothing(rest: Record<string, never>): boolean {
  return Object.keys(rest).length === 0;
}

/** RMSNorm of each head, by the same [D]. */
function isHeadByHead(norms: HeadNorms, headDim: number): boolean {
  const { query, key, kind = 'rms', over = 'head', ...unknown } = norms;
  const isSame = [query, key].every(({ shape }) => numel(shape) === headDim);
  return isNothing(unknown) && kind === 'rms' && over === 'head' && isSame;
}

function isWholeIntegers({ weight, bias: _, ...unknown }: Linear): boolean {
  const isInteger = weight.format === 'int4' || weight.format === 'int8';
  return isNothing(unknown) && isInteger && (weight.storage as LaneMatrix).slices.length === 1;
}

function product({ weight, bias }: Linear, activation: 'f32' | 'q8'): LayerProduct {
  const { layout } = weight.storage as LaneMatrix;
  return {
    format: weight.format,
    groupSize: layout.groupSize,
    activation,
    texelsPerUnit: layout.texelsPerUnit,
    unitsPerBlock: layout.units,
    rows: weight.rows,
    columns: weight.cols,
    bias: bias !== undefined,
  };
}
