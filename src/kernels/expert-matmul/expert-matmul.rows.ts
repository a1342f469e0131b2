/**
 * Products with each token's experts on real GPUs, by the kernels of matmul/: expert-output.wgsl says which rows meet.
 *
 * Shapes: `x [T or T·k, K]` f32 or q8, `w [E·N, K]` in chunks (row-matrix.ts), `routing [T, 2·k]`, `bias [E, N]` → `y [T·k, N]` f32.
 * Accumulates as those kernels do. Dispatch: few pairs, a workgroup some rows of one pair's expert (matmul.gemv); many, a tile
 * of one expert's pairs × rows (matmul.tiled, matmul.matrix), of which the host knows a bound only. A matrix of several slices takes a
 * dispatch for each, whose workgroups end at once where the slice has nothing of the expert.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import {
  hasTiles,
  rowsCandidates,
  rowsKernel,
  rowsPlans,
  type PlannedKernel,
  type Plans,
} from '../matmul/matmul.rows.ts';
import type { RowsKernel } from '../matmul/product-choices.ts';
import type { RowMatrix } from '../matmul/row-matrix.ts';
import type { ExpertMatmulOption, Matrix } from '../ops.ts';
import { rowGrid } from '../row-grid.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { expertTiles } from './expert-tiles.ts';
import { expertWork } from './expert-work.ts';

/** @param tokens each with `perToken` experts; x has a row for each of those (`hasRowEach`) or for each token */
export function expertPlans(
  ctx: WebGPUContext,
  w: Matrix,
  {
    tokens,
    perToken,
    hasRowEach,
  }: { readonly tokens: number; readonly perToken: number; readonly hasRowEach: boolean },
): Plans {
  const { experts = 1 } = w;
  const rows = w.rows / experts;
  // Without tiles a workgroup has a pair.
  const linesOf = (name: RowsKernel): number => (hasTiles(name) ? Math.ceil((tokens * perToken) / experts) : 1);
  return {
    use: { kind: 'experts', experts, perToken, hasRowEach },
    usual: (name) => rowsPlans[name](ctx, linesOf(name), rows, w),
    candidates: (name) => rowsCandidates[name](ctx, linesOf(name), rows, w),
  };
}

export function rowsExpertMatmul(
  ctx: WebGPUContext,
  { name, plan }: PlannedKernel,
  x: Tensor,
  w: Matrix,
  routing: Tensor,
  { bias }: ExpertMatmulOption,
): GpuTensor {
  const { experts = 1 } = w;
  const rows = w.rows / experts;
  const pairs = (routing.shape[0] * routing.shape[1]) / 2;
  const y = ctx.tensor([pairs, rows], 'f32');
  if (pairs === 0) return y;
  const tiled = hasTiles(name) ? expertTiles(ctx, routing, experts, plan.tokens) : null;
  const kernel = rowsKernel(ctx, name, plan, x, w, bias !== undefined, {
    parts: ['experts'],
    defines: {
      'output.wgsl': '../expert-matmul/expert-output.wgsl',
      ...(tiled && { 'pairs.wgsl': 'pairs.tiles.wgsl', TILE: plan.tokens }),
    },
  });
  const matrix = w.storage as RowMatrix;
  const chosen = tiled ? tiled.tiles.storage : bufferOf(routing);
  const sizes = [pairs, pairs / x.shape[0], tiled?.count ?? 0];
  for (const { firstRow, rows: sliceRows, data, scales } of matrix.slices) {
    ctx.recorder.does(() => expertWork(x, y, w, matrix.groupSize, sliceRows / w.rows));
    ctx.recorder.dispatch(
      kernel,
      [data, scales, bufferOf(x), y.storage, bias ? bufferOf(bias) : null, chosen],
      new Uint32Array([x.shape[0], rows, w.cols, matrix.chunksPerRow, firstRow, sliceRows, ...sizes]),
      Math.ceil(rows / plan.rows),
      ...rowGrid(tiled ? tiled.count : pairs),
    );
  }
  return y;
}
