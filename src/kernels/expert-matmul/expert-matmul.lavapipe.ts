/**
 * Products with each token's experts on lavapipe: `y[t·k + j, n] = Σ_k x[t or t·k + j, k] · w[expert j of t, n, k] (+ bias[expert, n])`.
 *
 * Shapes: `x [T or T·k, K]` f32 or q8, `w [E·N, K]` in lane layout, each expert's rows from a block on, `routing [T, 2·k]`,
 * `bias [E, N]`, `y [T·k, N]` f32. Sums as in matmul.lavapipe. Dispatch: a workgroup of 8 lanes owns `units` units of a 64-row
 * block of one pair's expert, or of an expert and a tile of its pairs. A matrix of several textures takes a dispatch for each,
 * whose workgroups end at once where it has nothing of the expert. Limits: none. Needs subgroups of exactly 8 lanes.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import { BLOCK_ROWS } from '../matmul/lane-layout.ts';
import { tileFor } from '../matmul/matmul.lavapipe.ts';
import type { ExpertMatmulOption, Matrix } from '../ops.ts';
import { rowGrid } from '../row-grid.ts';
import { bufferOf, resourceOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import {
  lavapipeExpertKernel,
  lavapipeExpertKernelName,
  type LavapipeExpertSpec,
} from './expert-matmul.lavapipe.wgsl.ts';
import { expertTiles } from './expert-tiles.ts';
import { expertWork } from './expert-work.ts';

/** Pairs of a tile. */
const TILE = 4;

/** @param isFew pairs as they come, not in tiles of the same expert */
export function lavapipeExpertMatmul(
  ctx: WebGPUContext,
  x: Tensor,
  w: Matrix,
  routing: Tensor,
  isFew: boolean,
  { bias }: ExpertMatmulOption,
): GpuTensor {
  const { experts = 1 } = w;
  const { layout, slices } = w.storage as LaneMatrix;
  const rows = w.rows / experts;
  const pairs = (routing.shape[0] * routing.shape[1]) / 2;
  const y = ctx.tensor([pairs, rows], 'f32');
  if (pairs === 0) return y;
  const tiled = isFew ? null : expertTiles(ctx, routing, experts, TILE);
  const tile = tileFor(w.format, isFew ? 1 : TILE);
  const activation = x.dtype === 'q8' ? 'q8' : 'f32';
  const spec: LavapipeExpertSpec = {
    format: w.format,
    groupSize: layout.groupSize,
    activation,
    dots: ctx.gpu.hasDots,
    ragged: activation === 'f32' && w.cols % 64 !== 0,
    ...tile,
    texelsPerUnit: layout.texelsPerUnit,
    unitsPerBlock: layout.units,
    bias: bias !== undefined,
    tiled: !isFew,
  };
  const kernel = ctx.pipelines.get(lavapipeExpertKernelName(spec), () => lavapipeExpertKernel(spec));
  const chosen = tiled ? tiled.tiles.storage : bufferOf(routing);
  const { rowBlocks, colBlocks, units } = layout;
  const perInput = pairs / x.shape[0];
  const [across, z] = rowGrid(tiled ? tiled.count : pairs);
  for (const slice of slices) {
    const firstBlock = slice.firstRow / BLOCK_ROWS;
    const blocks = [firstBlock, slice.rowBlocks, rowBlocks];
    ctx.recorder.does(() => expertWork(x, y, w, layout.groupSize, 1 / slices.length));
    ctx.recorder.dispatch(
      kernel,
      [slice.view, resourceOf(x), y.storage, null, bias ? bufferOf(bias) : null, chosen],
      new Uint32Array([x.shape[0], rows, w.cols, colBlocks, ...blocks, perInput, tiled?.count ?? 0]),
      across,
      (rowBlocks * units) / tile.units,
      z,
    );
  }
  return y;
}
