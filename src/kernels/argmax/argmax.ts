/**
 * Index of the largest value of each row, the lowest index among equals; NO_TOKEN where a value is NaN or +∞.
 *
 * Shapes: `x [L, V]` f32 → `ids [L]` u32. Dispatch: two levels; a workgroup owns SLICE columns of a row and writes its
 * winner's index, then one workgroup a row picks among the winners. Rows of one slice take one level.
 */
import type { Kernel } from '../../gpu/pipelines.ts';
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

/** Columns a workgroup looks at on the first level. */
const SLICE = 4096;

export function argmax(ctx: WebGPUContext, x: Tensor): GpuTensor {
  const [rows, columns] = x.shape;
  const slices = Math.ceil(columns / SLICE);
  const ids = ctx.tensor([rows], 'u32');
  const winners = slices === 1 ? ids : ctx.tensor([rows, slices], 'u32');
  const first = new Uint32Array([columns, columns, SLICE]);
  // Level 1 does not read the winners; its binding gets a buffer that is bound for reading anyway.
  ctx.recorder.does(() => moves([x, winners], 0));
  ctx.recorder.dispatch(kernel(ctx, 1), [bufferOf(x), bufferOf(x), winners.storage], first, slices, rows);
  if (slices > 1) {
    const second = new Uint32Array([columns, slices, slices]);
    ctx.recorder.does(() => moves([winners, winners, ids], 0));
    ctx.recorder.dispatch(kernel(ctx, 2), [bufferOf(x), winners.storage, ids.storage], second, 1, rows);
  }
  return ids;
}

function kernel(ctx: WebGPUContext, LEVEL: 1 | 2): Kernel {
  const name = ctx.variant('argmax');
  return ctx.pipelines.get(name, () => compose(`${name}.wgsl`, import.meta.url), { LEVEL });
}
