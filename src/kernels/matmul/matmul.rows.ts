/**
 * Matrix product on real GPUs: `y[t, n] = Σ_k x[t, k] · w[n, k] (+ bias[n]) (+ residual[t, n])`.
 *
 * Shapes: `x [T, K]` f32 or q8, `w [N, K]` row-major in chunks (row-matrix.ts), `y [T, N]` f32. Accumulates in f32; int8
 * activations within 16 or 32 columns in i32 (matmul.gemv; the others widen them). matmul.matrix rounds both operands to f16
 * where its units want that.
 * Dispatch: matmul.naive, an invocation owns an output; matmul.gemv, a workgroup of 128 owns 16 · ROWS rows of up to 8
 * tokens; matmul.tiled and matmul.matrix, a workgroup owns a tile of tokens × rows. Each is right for any T. Limits: none on T, N, K.
 */
import type { Constants, Kernel } from '../../gpu/pipelines.ts';
import { compose, type Defines } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Matrix } from '../ops.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { productWork } from './product-work.ts';
import { gemvPlan, gemvPlans } from './gemv-plan.ts';
import type { MatmulOption } from './matmul.lavapipe.ts';
import { matrixPlan, matrixPlans } from './matrix-plan.ts';
import { plain, type ProductUse, type RowsKernel } from './product-choices.ts';
import { productIncludes, weightIncludes } from './row-includes.ts';
import { CHUNK, type RowMatrix } from './row-matrix.ts';
import { busyPlan, type RowsPlan } from './rows-plan.ts';

/** Weights are decoded once for all tokens of a tile. */
export const hasTiles = (name: RowsKernel): boolean => name === 'matmul.tiled' || name === 'matmul.matrix';

type For<Plans> = (ctx: WebGPUContext, tokens: number, rows: number, w: Matrix) => Plans;

/** For so many tokens and rows of that matrix: the one that is taken unless another was measured to be faster. */
export const rowsPlans: Record<RowsKernel, For<RowsPlan>> = {
  'matmul.naive': () => naivePlan,
  'matmul.gemv': (ctx, tokens, rows, { format }) => gemvPlan(ctx, tokens, rows, format),
  'matmul.tiled': (_, tokens, rows) => busyPlan(tiles.map(planOfTile), tokens, rows),
  'matmul.matrix': matrixPlan,
};

/** All that could be taken. */
export const rowsCandidates: Record<RowsKernel, For<RowsPlan[]>> = {
  'matmul.naive': () => [naivePlan],
  'matmul.gemv': (ctx, tokens, _, { format }) => gemvPlans(ctx, tokens, format),
  'matmul.tiled': () => tiles.map(planOfTile),
  'matmul.matrix': (ctx) => matrixPlans(ctx),
};

/** A kernel with its plan. */
export interface PlannedKernel<Plan = RowsPlan> {
  readonly name: RowsKernel;
  readonly plan: Plan;
}

/** The plans that a product can have. */
export interface Plans<Plan extends RowsPlan = RowsPlan> {
  readonly use: ProductUse;
  /** The one that is taken unless another was measured to be faster. */
  usual(name: RowsKernel): Plan;
  candidates(name: RowsKernel): readonly Plan[];
}

export const plainPlans = (ctx: WebGPUContext, tokens: number, w: Matrix): Plans => ({
  use: plain,
  usual: (name) => rowsPlans[name](ctx, tokens, w.rows, w),
  candidates: (name) => rowsCandidates[name](ctx, tokens, w.rows, w),
});

/** What was measured to be the fastest for this product (a plan of the table's kernel with --deterministic), else the table's kernel. */
export function chosenPlan<Plan extends RowsPlan>(
  ctx: WebGPUContext,
  name: RowsKernel,
  tokens: number,
  w: Matrix,
  plans: Plans<Plan>,
): PlannedKernel<Plan> {
  const { format, rows, cols } = w;
  const measured = ctx.productChoices?.({ format, rows, cols, tokens, use: plans.use });
  const plan =
    measured &&
    ctx.trusts(measured.name) &&
    (!ctx.deterministic || measured.name === name) &&
    plans.candidates(measured.name).find(({ size }) => size === measured.size);
  return plan ? { name: measured.name, plan } : { name, plan: plans.usual(name) };
}

/** @param plan of that kernel, where it is not to be the one for so many tokens and rows */
export function rowsMatmul(
  ctx: WebGPUContext,
  name: RowsKernel,
  x: Tensor,
  w: Matrix,
  { bias, residual }: MatmulOption,
  plan = rowsPlans[name](ctx, x.shape[0], w.rows, w),
): GpuTensor {
  const matrix = w.storage as RowMatrix;
  const tokens = x.shape[0];
  const y = ctx.tensor([tokens, w.rows], 'f32');
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

/** What else is put into a text. */
export interface RowsText {
  /** The parts of the kernel's name that tell. */
  readonly parts: readonly string[];
  readonly defines: Defines;
  readonly constants?: Constants;
}

/** The file with the includes for these operands. */
export function rowsKernel(
  ctx: WebGPUContext,
  name: RowsKernel,
  plan: RowsPlan,
  x: Tensor,
  w: Matrix,
  hasBias: boolean,
  more: RowsText = { parts: [], defines: {} },
): Kernel {
  const matrix = w.storage as RowMatrix;
  const input = x.dtype === 'q8' ? 'q8' : w.cols % CHUNK === 0 ? 'f32' : 'ragged';
  const activation = input === 'q8' ? 'q8' : 'f32';
  const parts = [plan.size, input === 'ragged' && input, hasBias && 'bias', ...more.parts].filter(Boolean);
  const operands = `${matrix.format}-${matrix.groupSize}-${activation}`;
  const source = () =>
    compose(`${name}.wgsl`, import.meta.url, {
      ...(name === 'matmul.gemv' ? productIncludes(matrix, activation) : weightIncludes(matrix)),
      'input.f32.wgsl': `input.${input}.wgsl`,
      ...(hasTiles(name) && matrix.groupSize > 0 ? { 'packed.float.wgsl': 'packed.integer.wgsl' } : {}),
      ...(hasBias ? { 'no-bias.wgsl': 'add-bias.wgsl' } : {}),
      ...more.defines,
      ...plan.defines,
    });
  return ctx.pipelines.get([`${name}.${operands}`, ...parts].join('-'), source, more.constants);
}

/** From large to small. */
const tiles = [
  { TILE_TOKENS: 128, TILE_ROWS: 128, TILE_COLS: 16, TOKENS: 8, ROWS: 8 },
  { TILE_TOKENS: 64, TILE_ROWS: 64, TILE_COLS: 32, TOKENS: 4, ROWS: 4 },
  { TILE_TOKENS: 32, TILE_ROWS: 32, TILE_COLS: 32, TOKENS: 2, ROWS: 4 },
] as const;

const naivePlan: RowsPlan = { tokens: 1, rows: 64, defines: {}, size: '' };

function planOfTile(defines: (typeof tiles)[number]): RowsPlan {
  const { TILE_TOKENS, TILE_ROWS, TILE_COLS, TOKENS, ROWS } = defines;
  const size = `${TILE_TOKENS}x${TILE_ROWS}x${TILE_COLS}-${TOKENS}x${ROWS}`;
  return { tokens: TILE_TOKENS, rows: TILE_ROWS, defines, size };
}
