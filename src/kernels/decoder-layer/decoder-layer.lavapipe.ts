/**
 * A decoder layer of one token of each row on lavapipe in one dispatch: see decoder-layer.lavapipe.wgsl.ts for what happens in it.
 *
 * Shapes: `x [T, H]` f32 → `[T, H]` f32. The same numbers as the ops one by one, sums in the same order.
 * Dispatch: a workgroup a core; more or fewer work too.
 * Limits: kernel-spec.ts.
 */
import { availableParallelism } from 'node:os';
import type { Work } from '../../gpu/profiler.ts';
import { gatedActivationCode } from '../activation/activation.ts';
import { attentionWork } from '../attention/attention-work.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import { weightWork } from '../matmul/product-work.ts';
import type { GpuLora } from '../lora/gpu-lora.ts';
import { slotTexels } from '../lora/lora-layout.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { addWork, moves } from '../work.ts';
import { decoderLayerKernel, itemCount } from './decoder-layer.lavapipe.wgsl.ts';
import type { DecoderLayer } from './decoder-layer.pattern.ts';
import { kernelSpec } from './kernel-spec.ts';
import { rankTexels, scratchLayout, type DecoderLayerConstants, type DecoderLayerKernelSpec } from './layer-spec.ts';

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
  const loras = [qkv, o, gateUp, down].map(({ lora }) => lora as GpuLora | undefined);
  const rankPairs = Math.max(...loras.map((lora) => Math.ceil((lora?.maxRank ?? 0) / 16)));
  const items = itemCount(spec, tokens, rankPairs);
  const ofAdapters = loras.some(Boolean)
    ? [step.storage.adapters.offset, rankPairs, ...loras.map((lora) => (lora ? slotTexels(lora) : 0))]
    : [];
  ctx.recorder.does(() => layerWork(layer, step));
  ctx.recorder.dispatch(
    kernel,
    [
      ...[qkv, o, gateUp, down].map(({ weight }) => (weight.storage as LaneMatrix).slices[0].view),
      ...[x, inputNorm, postAttentionNorm, byToken ?? rotary.table].map(bufferOf),
      ...[buffer, slotTable, keys, values],
      ctx.tensor([tokens * at.floats], 'f32').storage,
      ctx.tensor([tokens * (at.texels + rankTexels(spec, rankPairs)) * 4], 'u32').storage,
      y.storage,
      queue.counters,
      ...optional.filter((tensor) => tensor !== undefined).map(bufferOf),
      ...loras.flatMap((lora) => (lora ? [lora.storage.bound] : [])),
    ],
    () => {
      const { taken, done } = begin(queue, items);
      return new Uint32Array([tokens, taken, done, maxLength, ...ofAdapters]);
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

/** Its products and its attention: what lies between them is no memory traffic here, and next to no arithmetic. */
function layerWork({ x, qkv, o, gateUp, down, kv, attention }: DecoderLayer, step: GpuStep): Work {
  const products = [qkv, o, gateUp, down].map(({ weight }) => {
    const { groupSize } = (weight.storage as LaneMatrix).layout;
    return weightWork(weight, groupSize, weight.rows, step.numTokens);
  });
  return addWork(moves([x, x], 0), ...products, attentionWork(step, kv, attention, 'decode'));
}
