/**
 * A matrix of each head's own: `y[t, h·N + n] = Σ_k x[t, h·K + k] · w[h·N + n, k]`, by the kernels of expert-matmul/ with heads as
 * experts (pairs.heads.wgsl).
 *
 * Shapes: `x [T, Hq·K]` f32, `w [Hq·N, K]` in the adapter's form, `y [T, Hq·N]` f32 or q8. Accumulates in f32. Dispatch: as the
 * product that kernel-sets.ts names for so many tokens, a workgroup's tokens and rows of one head. Limits: none.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import {
  lavapipeExpertKernel,
  lavapipeExpertKernelName,
  type LavapipeExpertSpec,
} from '../expert-matmul/expert-matmul.lavapipe.wgsl.ts';
import { BLOCK_ROWS } from '../matmul/lane-layout.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import { tileFor } from '../matmul/matmul.lavapipe.ts';
import { chosenPlan, plainPlans, rowsKernel, type PlannedKernel, type Plans } from '../matmul/matmul.rows.ts';
import { FEW_TOKENS } from '../matmul/matmul.ts';
import { productWork } from '../matmul/product-work.ts';
import type { RowMatrix } from '../matmul/row-matrix.ts';
import type { Matrix } from '../ops.ts';
import { quantize } from '../quantize/quantize.ts';
import { rowGrid } from '../row-grid.ts';
import { bufferOf, type ActivationTensor, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';

export function headMatmul(ctx: WebGPUContext, x: Tensor, w: Matrix, form: 'f32' | 'q8'): ActivationTensor {
  const [tokens, width] = x.shape;
  const { experts: heads = 1 } = w;
  if (width !== heads * w.cols)
    throw new RangeError(`headMatmul ${w.name}: x has ${width} columns, w ${heads} heads of ${w.cols}`);
  const y = ctx.tensor([tokens, w.rows], 'f32');
  const name = ctx.variant(tokens <= FEW_TOKENS ? 'matmul of few tokens' : 'matmul');
  if (name === 'matmul.lavapipe') lavapipeHeads(ctx, x, w, heads, y);
  else rowsOfHeads(ctx, chosenPlan(ctx, name, tokens, w, headPlans(ctx, tokens, w)), x, w, y);
  return form === 'q8' ? quantize(ctx, y) : y;
}

export const headPlans = (ctx: WebGPUContext, tokens: number, w: Matrix): Plans => ({
  ...plainPlans(ctx, tokens, w),
  use: { kind: 'heads', heads: w.experts ?? 1 },
});

/** Into y [T, Hq·N], with a kernel of matmul.rows.ts. */
export function rowsOfHeads(
  ctx: WebGPUContext,
  { name, plan }: PlannedKernel,
  x: Tensor,
  w: Matrix,
  y: GpuTensor,
): void {
  const matrix = w.storage as RowMatrix;
  const { experts: heads = 1 } = w;
  const [tokens] = x.shape;
  const rows = w.rows / heads;
  const kernel = rowsKernel(ctx, name, plan, x, w, false, {
    parts: [`heads${heads}`],
    defines: {
      'output.wgsl': '../expert-matmul/expert-output.wgsl',
      'pairs.wgsl': '../head-matmul/pairs.heads.wgsl',
      HEADS: heads,
      TILE: plan.tokens,
    },
  });
  const pairs = tokens * heads;
  for (const { firstRow, rows: sliceRows, data, scales } of matrix.slices) {
    ctx.recorder.does(() => productWork(x, w, matrix.groupSize, sliceRows, undefined));
    ctx.recorder.dispatch(
      kernel,
      [data, scales, bufferOf(x), y.storage],
      new Uint32Array([pairs, rows, w.cols, matrix.chunksPerRow, firstRow, sliceRows, pairs, 1, tokens]),
      Math.ceil(rows / plan.rows),
      ...rowGrid(heads * Math.ceil(tokens / plan.tokens)),
    );
  }
}

function lavapipeHeads(ctx: WebGPUContext, x: Tensor, w: Matrix, heads: number, y: GpuTensor): void {
  const { layout, slices } = w.storage as LaneMatrix;
  const [tokens] = x.shape;
  const tile = tileFor(w.format, ctx.stage.hasTiles ? tokens : 1);
  const { groupSize, texelsPerUnit, rowBlocks, colBlocks, units } = layout;
  const spec: LavapipeExpertSpec = {
    ...{ format: w.format, groupSize, activation: 'f32', dots: ctx.gpu.hasDots, ragged: w.cols % 64 !== 0, ...tile },
    ...{ texelsPerUnit, unitsPerBlock: units, bias: false, tiled: true, heads },
  };
  const kernel = ctx.pipelines.get(lavapipeExpertKernelName(spec), () => lavapipeExpertKernel(spec));
  const [across, z] = rowGrid(heads * Math.ceil(tokens / tile.tokens));
  for (const slice of slices) {
    const blocks = [slice.firstRow / BLOCK_ROWS, slice.rowBlocks, rowBlocks];
    ctx.recorder.does(() => productWork(x, w, groupSize, w.rows / slices.length, undefined));
    ctx.recorder.dispatch(
      kernel,
      [slice.view, bufferOf(x), y.storage],
      new Uint32Array([tokens * heads, w.rows / heads, w.cols, colBlocks, ...blocks, 1, tokens]),
      across,
      (rowBlocks * units) / tile.units,
      z,
    );
  }
}
