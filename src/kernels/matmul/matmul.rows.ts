/**
 * Matrix product on real GPUs: `y[t, n] = Σ_k x[t, k] · w[n, k] (+ bias[n]) (+ residual[t, n])`.
 *
 * Shapes: `x [T, K]` f32 or q8, `w [N, K]` row-major in chunks (row-matrix.ts), `y [T, N]` f32. Accumulates in f32; int8
 * activations within a chunk of 8 in i32 (matmul.gemv; the others widen them).
 * Dispatch: matmul.naive, an invocation owns an output; matmul.gemv, a workgroup of 128 owns 4 · ROWS rows of up to 8
 * tokens; matmul.tiled, a workgroup owns a tile of tokens × rows. Each is right for any T. Limits: none on T, N, K.
 */
import type { Kernel } from '../../gpu/pipelines.ts';
import { compose, type Defines } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Matrix } from '../ops.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { productWork } from './product-work.ts';
import type { MatmulOption } from './matmul.lavapipe.ts';
import { weightIncludes } from './row-includes.ts';
import { CHUNK, type RowMatrix } from './row-matrix.ts';

/** The ladder, each a file. */
export type RowsKernel = 'matmul.naive' | 'matmul.gemv' | 'matmul.tiled';

/** What a workgroup owns, and the text that makes it so. */
export interface RowsPlan {
  readonly tokens: number;
  readonly rows: number;
  readonly defines: Defines;
  /** The part of the kernel's name that tells its sizes. */
  readonly size: string;
}

/** For so many tokens and rows. */
export const rowsPlans: Record<RowsKernel, (tokens: number, rows: number) => RowsPlan> = {
  'matmul.naive': () => ({ tokens: 1, rows: 64, defines: {}, size: '' }),
  'matmul.gemv': gemvPlan,
  'matmul.tiled': tiledPlan,
};

export function rowsMatmul(
  ctx: WebGPUContext,
  name: RowsKernel,
  x: Tensor,
  w: Matrix,
  { bias, residual }: MatmulOption,
): GpuTensor {
  const matrix = w.storage as RowMatrix;
  const tokens = x.shape[0];
  const y = ctx.tensor([tokens, w.rows], 'f32');
  const plan = rowsPlans[name](tokens, w.rows);
  const more = residual ? { parts: ['residual'], defines: { 'no-residual.wgsl': 'add-residual.wgsl' } } : undefined;
  const kernel = rowsKernel(ctx, name, plan, x, w, bias !== undefined, more);
  const [plusBias, plusResidual] = [bias, residual].map((tensor) => (tensor ? bufferOf(tensor) : null));
  for (const { firstRow, rows, data, scales } of matrix.slices) {
    ctx.recorder.does(() => productWork(x, w, matrix.groupSize, rows, residual));
    ctx.recorder.dispatch(
      kernel,
      [data, scales, bufferOf(x), y.storage, plusBias, plusResidual],
      new Uint32Array([tokens, w.rows, w.cols, matrix.chunksPerRow, firstRow, rows]),
      Math.ceil(rows / plan.rows),
      Math.ceil(tokens / plan.tokens),
    );
  }
  return y;
}

/**
 * The file with the includes for these operands.
 * @param more what else is put in, and the parts of the kernel's name that tell
 */
export function rowsKernel(
  ctx: WebGPUContext,
  name: RowsKernel,
  plan: RowsPlan,
  x: Tensor,
  w: Matrix,
  hasBias: boolean,
  more: { readonly parts: readonly string[]; readonly defines: Defines } = { parts: [], defines: {} },
): Kernel {
  const matrix = w.storage as RowMatrix;
  const input = x.dtype === 'q8' ? 'q8' : w.cols % CHUNK === 0 ? 'f32' : 'ragged';
  const isInteger = w.format === 'int8' || w.format === 'int4';
  const product = !isInteger ? 'float' : x.dtype === 'q8' ? 'q8' : 'integer';
  const parts = [plan.size, input === 'ragged' && input, hasBias && 'bias', ...more.parts].filter(Boolean);
  const operands = `${matrix.format}-${matrix.groupSize}-${input === 'q8' ? 'q8' : 'f32'}`;
  return ctx.pipelines.get([`${name}.${operands}`, ...parts].join('-'), () =>
    compose(`${name}.wgsl`, import.meta.url, {
      ...weightIncludes(matrix),
      'input.f32.wgsl': `input.${input}.wgsl`,
      ...(name === 'matmul.gemv' ? { 'product.float.wgsl': `product.${product}.wgsl` } : {}),
      ...(hasBias ? { 'no-bias.wgsl': 'add-bias.wgsl' } : {}),
      ...more.defines,
      ...plan.defines,
    }),
  );
}

function gemvPlan(tokensInAll: number, rowsInAll: number): RowsPlan {
  const tokens = 2 ** Math.ceil(Math.log2(Math.min(8, Math.max(1, tokensInAll))));
  const wanted = rowsInAll >= 8192 ? 4 : rowsInAll >= 2048 ? 2 : 1;
  const rows = Math.min(wanted, 16 / tokens);
  return { tokens, rows: 4 * rows, defines: { ROWS: rows, TOKENS: tokens }, size: `${rows}x${tokens}` };
}

/** From large to small: a larger tile reads less, a smaller one gives more workgroups. */
const tiles = [
  { TILE_TOKENS: 128, TILE_ROWS: 128, TILE_COLS: 16, TOKENS: 8, ROWS: 8 },
  { TILE_TOKENS: 64, TILE_ROWS: 64, TILE_COLS: 32, TOKENS: 4, ROWS: 4 },
  { TILE_TOKENS: 32, TILE_ROWS: 32, TILE_COLS: 32, TOKENS: 2, ROWS: 4 },
] as const;
/** Workgroups that keep a large GPU busy (about two for each of 132 multiprocessors): smaller tiles rather than fewer. */
const BUSY = 256;

function tiledPlan(tokens: number, rows: number): RowsPlan {
  const isBusy = (tile: (typeof tiles)[number]) =>
    Math.ceil(tokens / tile.TILE_TOKENS) * Math.ceil(rows / tile.TILE_ROWS) >= BUSY;
  const defines = tiles.find((tile) => tile.TILE_TOKENS < 2 * tokens && isBusy(tile)) ?? tiles[tiles.length - 1];
  const { TILE_TOKENS, TILE_ROWS, TILE_COLS, TOKENS, ROWS } = defines;
  const size = `${TILE_TOKENS}x${TILE_ROWS}x${TILE_COLS}-${TOKENS}x${ROWS}`;
  return { tokens: TILE_TOKENS, rows: TILE_ROWS, defines, size };
}
