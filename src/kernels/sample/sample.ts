/**
 * Logits → tokens: bias, penalties, mask, temperature, min-p, top-k, top-p, draw, in this order (vLLM's).
 *
 * Shapes: `logits [L, V]` f32 → `ids [L]` u32; the logits stay as they are. Weights and their sums are f32; cuts of top-k
 * and min-p are exact, those of top-p and of the draw up to the rounding of the sums (docs/kernels.md).
 * Dispatch: where asked for, bias (a thread an entry), penalties (a thread a position of a row) and mask (a thread 32
 * columns) on a copy; argmax; `ladder` (a workgroup a slice of a row); `draw` (a workgroup a row). No sorting: a threshold from the ladder leaves few
 * candidates, and the cut among them is found by search over the bits of the logits (webgpu: as Qrita,
 * arXiv:2602.01518, narrows before its pivots).
 * Limits: ids below 2²⁴, since counts are f32.
 */
import { largestBinding } from '../../gpu/device.ts';
import type { Kernel } from '../../gpu/pipelines.ts';
import { compose } from '../../gpu/wgsl.ts';
import type { Shape, Tensor } from '../../tensor/tensor.ts';
import { argmax } from '../argmax/argmax.ts';
import type { SamplingRow, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';
import { planSampling, type SamplingPlan } from './sampling-plan.ts';

/** Columns of a row that one workgroup of the ladder looks at. */
const SLICE = 4096;
/** Candidates of a row that fit its list; a row with more of them is searched as a whole. */
export const MOST_CANDIDATES = 16384;

/** Bytes of what sampling from logits [L, V] takes at most: a changed copy, counts, the candidates with their ids, the result. */
export function samplingBytes([rows, columns]: Shape): number[] {
  const candidates = Math.min(MOST_CANDIDATES, columns);
  return [columns, columns, 2 * candidates, 1].map((each) => 4 * rows * each);
}

export function sample(ctx: WebGPUContext, logits: Tensor, step: Step, rows: readonly SamplingRow[]): GpuTensor {
  const [count, columns] = logits.shape;
  if (count === 0) return ctx.tensor([0], 'u32');
  const plan = planSampling(rows, columns);
  const planBuffer = ctx.upload(plan.data);
  const adjusted = adjust(ctx, logits, step as GpuStep, plan, planBuffer);
  const best = argmax(ctx, adjusted);
  if (rows.every(({ temperature }) => temperature === 0)) return best;
  const cutting = rows.some((row) => row.temperature > 0 && (row.topK > 0 || row.topP < 1));
  const { ladder, list, params } = climb(ctx, adjusted, best, planBuffer, count, cutting);
  const ids = ctx.tensor([count], 'u32');
  const resources = [bufferOf(adjusted), best.storage, planBuffer.storage, ladder.storage, list.storage, ids.storage];
  ctx.recorder.does(() => moves([adjusted, ids], 4));
  ctx.recorder.dispatch(cutKernel(ctx, 'draw'), resources, params, count);
  return ids;
}

/** The first part of cutting R rows, which says how much lies above their thresholds; and memory for what follows. */
export function climb(
  ctx: WebGPUContext,
  logits: Tensor,
  best: GpuTensor,
  plan: GpuTensor,
  rows: number,
  cutting: boolean,
): { ladder: GpuTensor; list: GpuTensor; params: Uint32Array } {
  const columns = logits.shape[1];
  const slices = Math.ceil(columns / SLICE);
  const bindable = Math.floor(largestBinding(ctx.gpu.device) / (rows * 8));
  const capacity = Math.min(MOST_CANDIDATES, columns, bindable);
  const params = new Uint32Array([columns, slices, SLICE, capacity]);
  const ladder = ctx.tensor([rows, slices, 5], 'f32');
  const list = ctx.tensor(cutting ? [rows, 2, capacity] : [1], 'u32');
  const kernel = cutKernel(ctx, 'ladder');
  const resources = [bufferOf(logits), best.storage, plan.storage, ladder.storage];
  ctx.recorder.does(() => moves([logits, ladder], 4));
  ctx.recorder.dispatch(kernel, resources, params, slices, rows);
  return { ladder, list, params };
}

/** A kernel of this folder that reduces over a workgroup. */
export function cutKernel(ctx: WebGPUContext, name: 'ladder' | 'draw' | 'top-logprobs'): Kernel {
  const group = ctx.variant('sample');
  return ctx.pipelines.get(`${name}.${group}`, () => compose([`../${group}.wgsl`, `${name}.wgsl`], import.meta.url));
}

/** A copy of the logits with biases, penalties and masks, or the logits where there are none. */
function adjust(
  ctx: WebGPUContext,
  logits: Tensor,
  step: GpuStep,
  { biases, penalties, masks }: SamplingPlan,
  plan: GpuTensor,
): Tensor {
  if (biases.count + penalties.count + masks.count === 0) return logits;
  const [rows, columns] = logits.shape;
  const y = ctx.tensor([rows, columns], 'f32');
  ctx.recorder.copy(bufferOf(logits), 0, y.storage, 0, rows * columns * 4);
  const get = (name: string, constants = {}): Kernel =>
    ctx.pipelines.get(name, () => compose(`${name}.wgsl`, import.meta.url), constants);
  if (biases.count > 0) {
    const params = new Uint32Array([columns, biases.offset, biases.count]);
    ctx.recorder.dispatch(get('bias'), [y.storage, plan.storage], params, Math.ceil(biases.count / 64));
  }
  if (penalties.count > 0) {
    const { buffer, kv, maxContext } = step.storage;
    const counts = ctx.tensor([penalties.count, columns], 'u32');
    ctx.recorder.clear(counts.storage, penalties.count * columns * 4);
    const params = new Uint32Array([columns, penalties.offset, step.numTokens, kv.spec.maxLength]);
    const resources = [y.storage, plan.storage, buffer, kv.storage.tokens, counts.storage];
    for (const STAGE of [1, 2]) {
      ctx.recorder.dispatch(
        get('penalties', { STAGE }),
        resources,
        params,
        Math.ceil(maxContext / 64),
        penalties.count,
      );
    }
  }
  if (masks.count > 0) {
    const words = Math.ceil(columns / 32);
    const params = new Uint32Array([columns, masks.offset, words]);
    ctx.recorder.dispatch(get('mask'), [y.storage, plan.storage], params, Math.ceil(words / 64), masks.count);
  }
  return y;
}
