/**
 * Matrix product on lavapipe: `y[t, n] = Σ_k x[t, k] · w[n, k] (+ bias[n]) (+ residual[t, n])`.
 *
 * Shapes: `x [T, K]` f32, which int8 activations round to q12, or q8, `w [N, K]` in lane layout, `y [T, N]` f32. Accumulates in f32; int8 activations in i32
 * within a group. Dispatch: a workgroup of 8 lanes owns `units` units of a 64-row block and a tile of tokens.
 * Limits: none on T, N, K. Needs subgroups of exactly 8 lanes.
 * Tiles measured 2026-11 (docs/kernels.md): more than 16 accumulators a lane spill and halve the speed.
 */
import type { Kernel } from '../../gpu/pipelines.ts';
import type { WeightFormat } from '../../tensor/matrix.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { MatmulOption, Matrix } from '../ops.ts';
import { quantizeFinely } from '../quantize/quantize.ts';
import { bufferOf, formFor, resourceOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { productWork } from './product-work.ts';
import { BLOCK_ROWS } from './lane-layout.ts';
import type { LaneMatrix } from './lane-matrix.ts';
import { lavapipeKernel, lavapipeKernelName, type LavapipeSpec } from './matmul.lavapipe.wgsl.ts';

export type { MatmulOption };

interface Tile {
  readonly units: number;
  readonly tokens: number;
}

/**
 * Tile for a number of tokens: many rows when one token must pay for the weights, many tokens when it need not.
 * Few variants, since lavapipe takes 0.5–2 s to compile one.
 */
export function tileFor(format: WeightFormat, tokens: number): Tile {
  if (format === 'int4' || format === 'int8') {
    if (tokens === 1) return { units: 4, tokens: 1 };
    return { units: 2, tokens: tokens === 2 ? 2 : 4 };
  }
  return tokens === 1 ? { units: 8, tokens: 1 } : { units: 4, tokens: 4 };
}

export function lavapipeMatmul(ctx: WebGPUContext, x: Tensor, w: Matrix, option: MatmulOption = {}): GpuTensor {
  const matrix = w.storage as LaneMatrix;
  const tokens = x.shape[0];
  const y = ctx.tensor([tokens, w.rows], 'f32');
  const activation = activationOf(ctx, x, w);
  const { kernel, tile } = kernelFor(ctx, tokens, w, matrix, option, activation);
  const resources = [activation === 'q12' ? quantizeFinely(ctx, x) : resourceOf(x), y.storage];
  if (option.bias) resources.push(bufferOf(option.bias));
  if (option.residual) resources.push(bufferOf(option.residual));
  const { colBlocks, units, groupSize } = matrix.layout;
  for (const slice of matrix.slices) {
    const rows = Math.min(slice.rowBlocks * BLOCK_ROWS, w.rows - slice.firstRow);
    ctx.recorder.does(() => productWork(x, w, groupSize, rows, option.residual));
    ctx.recorder.dispatch(
      kernel,
      [slice.view, ...resources],
      new Uint32Array([tokens, w.rows, w.cols, colBlocks, slice.firstRow]),
      Math.ceil(tokens / tile.tokens),
      (slice.rowBlocks * units) / tile.units,
    );
  }
  return y;
}

/**
 * With int8 activations x that came as f32, because 8 bits would lose too much of it, is rounded to 12, where weights are integers:
 * twice as fast, and a two-hundredth of what int8 loses (docs/kernels.md).
 */
function activationOf(ctx: WebGPUContext, x: Tensor, w: Matrix): LavapipeSpec['activation'] {
  if (x.dtype === 'q8') return 'q8';
  return formFor(w, ctx.activations) === 'q8' && w.cols % 4 === 0 ? 'q12' : 'f32';
}

function kernelFor(
  ctx: WebGPUContext,
  tokens: number,
  w: Matrix,
  { layout }: LaneMatrix,
  option: MatmulOption,
  activation: LavapipeSpec['activation'],
): { kernel: Kernel; tile: Tile } {
  const tile = tileFor(w.format, ctx.stage.hasTiles ? tokens : 1);
  const spec: LavapipeSpec = {
    format: w.format,
    groupSize: layout.groupSize,
    activation,
    dots: ctx.gpu.hasDots,
    ragged: activation === 'f32' && w.cols % 64 !== 0,
    ...tile,
    texelsPerUnit: layout.texelsPerUnit,
    unitsPerBlock: layout.units,
    bias: option.bias !== undefined,
    residual: option.residual !== undefined,
  };
  return { kernel: ctx.pipelines.get(lavapipeKernelName(spec), () => lavapipeKernel(spec)), tile };
}
