/**
 * A decoder layer of one token of each row on lavapipe in one dispatch: see decoder-layer.lavapipe.wgsl.ts for what happens in it.
 *
 * Shapes: `x [T, H]` f32 → `[T, H]` f32. The same numbers as the ops one by one, sums in the same order.
 * Dispatch: a workgroup a core; more or fewer work too.
 * Limits: no two tokens of a row; integer weights in one texture each, fed int8 (qkv: f32); H, I and a KV head's queries
 * multiples of 64, D of 8; at most four of the vectors that not every layer has (biases, head norms). Anything else goes op by op.
 */
import { availableParallelism } from 'node:os';
import type { Work } from '../../gpu/profiler.ts';
import { numel } from '../../tensor/tensor.ts';
import { gatedActivationCode } from '../activation/activation.ts';
import { attentionWork } from '../attention/attention-work.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import { weightWork } from '../matmul/product-work.ts';
import type { HeadNorms, Linear, StepBatch } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { addWork, moves } from '../work.ts';
import { decoderLayerKernel, itemCount, storageBuffers } from './decoder-layer.lavapipe.wgsl.ts';
import {
  scratchLayout,
  type DecoderLayerConstants,
  type DecoderLayerKernelSpec,
  type LayerProduct,
} from './layer-spec.ts';
import { isNothing, type DecoderLayer } from './decoder-layer.pattern.ts';

/** A decode step has few items a phase, so more would only look on. */
const WORKGROUPS = Math.min(16, availableParallelism());

/** Counters of the items that workgroups have taken and done, and where they stand when the next dispatch begins, modulo 2³². */
interface WorkQueue {
  readonly counters: GPUBuffer;
  taken: number;
  done: number;
}
const queues = new WeakMap<WebGPUContext, WorkQueue>();

/** What computes the layer, or null: do it op by op. */
export function lavapipeDecoderLayer(ctx: WebGPUContext, layer: DecoderLayer): (() => GpuTensor) | null {
  const spec = kernelSpec(ctx, layer);
  return spec && (() => dispatchLayer(ctx, layer, spec));
}

function dispatchLayer(ctx: WebGPUContext, layer: DecoderLayer, spec: DecoderLayerKernelSpec): GpuTensor {
  const { x, qkv, headNorms, o, gateUp, down, kv, inputNorm, postAttentionNorm, rotary } = layer;
  const step = layer.step as GpuStep;
  const { keys, values } = (kv as GpuKVLayer).storage;
  const { buffer, slotTable } = step.storage.groups[kv.group];
  const { maxLength } = step.storage.kv.spec;
  const tokens = step.numTokens;
  const at = scratchLayout(spec);
  const y = ctx.tensor(x.shape, 'f32');
  const queue = queueOf(ctx);
  const byToken = rotary.dynamic ? step.storage.rotaryRows : null;
  const constants: DecoderLayerConstants = {
    ACTIVATION: gatedActivationCode[layer.activation],
    INTERLEAVED: rotary.interleaved ? 1 : 0,
    BY_TOKEN: byToken ? 1 : 0,
  };
  const source = () => decoderLayerKernel(spec);
  const kernel = ctx.pipelines.get('decoder-layer.lavapipe', source, { ...constants }, JSON.stringify(spec));
  // In the order of optionalVectors in decoder-layer.lavapipe.wgsl.ts.
  const optional = [qkv.bias, o.bias, gateUp.bias, down.bias, headNorms?.query, headNorms?.key];
  const items = itemCount(spec, tokens);
  ctx.recorder.does(() => layerWork(layer, step));
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
    () => {
      const { taken, done } = begin(queue, items);
      return new Uint32Array([tokens, taken, done, maxLength]);
    },
    WORKGROUPS,
  );
  return y;
}

/** Where the counters stand when a dispatch of so many items begins. */
function begin(queue: WorkQueue, items: number): { taken: number; done: number } {
  const { taken, done } = queue;
  // Each workgroup takes one more in the end, finds that it is none, and leaves.
  queue.taken = (taken + items + WORKGROUPS) >>> 0;
  queue.done = (done + items) >>> 0;
  return { taken, done };
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
 * What the kernel is made for, or null where it does not apply. As in decoder-layer.pattern.ts every field is taken out by
 * name, those of the layer's parts too.
 */
function kernelSpec(ctx: WebGPUContext, layer: DecoderLayer): DecoderLayerKernelSpec | null {
  const { x, step, qkv, o, gateUp, down, inputNorm: _1, postAttentionNorm: _2, eps, ...more } = layer;
  const { headNorms, activation: _3, rotary, attention, kv, ...unknown } = more;
  const { headDim: rotaryHeadDim, rotaryDim, interleaved: _4, table: _5, dynamic: _6, ...unknownRotary } = rotary;
  const { heads, scale, slidingWindow, softcap, alibi, sinks, ...unknownAttention } = attention;
  const { kind: _10, kvHeads, headDim, dtype, group: _7, storage: _8, ...unknownCache } = kv;
  const { numTokens, numLogits: _9, batch, storage, ...unknownStep } = step as GpuStep;
  // One by one: an array of rests has the type of the emptiest.
  const isKnown = isNothing(unknown) && isNothing(unknownRotary) && isNothing(unknownAttention);
  if (!isKnown || !isNothing(unknownCache) || !isNothing(unknownStep) || !isKnownBatch(batch)) return null;
  if (storage.prefillTiles.count > 0 || ctx.activations !== 'int8' || alibi !== undefined || sinks) return null;
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

function isKnownBatch({
  tokenIds: _1,
  positions: _2,
  tableRows: _3,
  slots: _4,
  rotaryRows: _5,
  ...more
}: StepBatch): boolean {
  // Layers with states are not this kernel's.
  const { logitIndices: _6, promptIndices: _7, stateRuns: _8, adapters, ...unknown } = more;
  return isNothing(unknown) && adapters === undefined;
}

/** RMSNorm of each head, by the same [D]. */
function isHeadByHead(norms: HeadNorms, headDim: number): boolean {
  const { query, key, kind = 'rms', over = 'head', ...unknown } = norms;
  const isSame = [query, key].every(({ shape }) => numel(shape) === headDim);
  return isNothing(unknown) && kind === 'rms' && over === 'head' && isSame;
}

function isWholeIntegers({ weight }: Linear): boolean {
  const isInteger = weight.format === 'int4' || weight.format === 'int8';
  return isInteger && (weight.storage as LaneMatrix).slices.length === 1;
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

/** Its products and its attention: what lies between them is no memory traffic here, and next to no arithmetic. */
function layerWork({ x, qkv, o, gateUp, down, kv, attention }: DecoderLayer, step: GpuStep): Work {
  const products = [qkv, o, gateUp, down].map(({ weight }) => {
    const { groupSize } = (weight.storage as LaneMatrix).layout;
    return weightWork(weight, groupSize, weight.rows, step.numTokens);
  });
  return addWork(moves([x, x], 0), ...products, attentionWork(step, kv, attention, 'decode'));
}
