/**
 * Matrix product on real GPUs: `y[t, n] = Σ_k x[t, k] · w[n, k] (+ bias[n]) (+ residual[t, n])`.
 *
 * Shapes: `x [T, K]` f32 or q8, `w [N, K]` row-major in chunks (row-matrix.ts), `y [T, N]` f32. Accumulates in f32; int8
 * activations in i32 within a chunk of 8 (few tokens only; the tiled kernel widens them).
 * Dispatch: up to GEMV_TOKENS tokens, a workgroup of 128 owns 4 · rows output rows (matmul.gemv.wgsl.ts); beyond, a
 * workgroup owns a tile of tokens × rows (matmul.tiled.wgsl.ts). Limits: none on T, N, K.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Matrix } from '../ops.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { gemvKernel, gemvKernelName, TEAMS, type GemvSpec } from './matmul.gemv.wgsl.ts';
import type { MatmulOption } from './matmul.lavapipe.ts';
import { tiledKernel, tiledKernelName, type Tile, type TiledSpec } from './matmul.tiled.wgsl.ts';
import type { Kernel } from '../../gpu/pipelines.ts';
import type { RowMatrix } from './row-matrix.ts';

/** Up to here the weights' bytes bound the time, beyond it the tiled kernel reuses them. By reasoning: not yet measured. */
const GEMV_TOKENS = 8;
/** Workgroups that keep a large GPU busy (about two for each of 132 multiprocessors): smaller tiles rather than fewer. */
const BUSY = 256;

interface Plan {
  readonly kernel: Kernel;
  /** Tokens and rows of one workgroup. */
  readonly tokens: number;
  readonly rows: number;
}

export function rowsMatmul(ctx: WebGPUContext, x: Tensor, w: Matrix, option: MatmulOption = {}): GpuTensor {
  const matrix = w.storage as RowMatrix;
  const tokens = x.shape[0];
  const y = ctx.tensor([tokens, w.rows], 'f32');
  const plan = tokens <= GEMV_TOKENS ? gemvPlan(ctx, x, w, option) : tiledPlan(ctx, x, w, option);
  for (const { firstRow, rows, data, scales } of matrix.slices) {
    const resources = [data, ...(scales ? [scales] : []), bufferOf(x), y.storage];
    if (option.bias) resources.push(bufferOf(option.bias));
    if (option.residual) resources.push(bufferOf(option.residual));
    ctx.recorder.dispatch(
      plan.kernel,
      resources,
      new Uint32Array([tokens, w.rows, w.cols, matrix.chunksPerRow, firstRow, rows]),
      Math.ceil(rows / plan.rows),
      Math.ceil(tokens / plan.tokens),
    );
  }
  return y;
}

/** What both kernels need to know of the operands. */
function operands(x: Tensor, w: Matrix, option: MatmulOption) {
  const { format, groupSize } = w.storage as RowMatrix;
  const input: 'f32' | 'q8' = x.dtype === 'q8' ? 'q8' : 'f32';
  const ragged = input === 'f32' && w.cols % 8 !== 0;
  return { format, groupSize, input, ragged, bias: option.bias !== undefined, residual: option.residual !== undefined };
}

function gemvPlan(ctx: WebGPUContext, x: Tensor, w: Matrix, option: MatmulOption): Plan {
  const tokens = 2 ** Math.ceil(Math.log2(Math.max(1, x.shape[0])));
  const wanted = w.rows >= 8192 ? 4 : w.rows >= 2048 ? 2 : 1;
  const rows = Math.min(wanted, 16 / tokens);
  const spec: GemvSpec = { ...operands(x, w, option), rows, tokens };
  return { kernel: ctx.pipelines.get(gemvKernelName(spec), () => gemvKernel(spec)), tokens, rows: rows * TEAMS };
}

/** From large to small: a larger tile reads less, a smaller one gives more workgroups. */
const tiles: readonly Tile[] = [
  { tileTokens: 128, tileRows: 128, tileCols: 16, perToken: 8, perRow: 8 },
  { tileTokens: 64, tileRows: 64, tileCols: 32, perToken: 4, perRow: 4 },
  { tileTokens: 32, tileRows: 32, tileCols: 32, perToken: 2, perRow: 4 },
];

function tiledPlan(ctx: WebGPUContext, x: Tensor, w: Matrix, option: MatmulOption): Plan {
  const tokens = x.shape[0];
  const fits = (t: Tile) => Math.ceil(tokens / t.tileTokens) * Math.ceil(w.rows / t.tileRows) >= BUSY;
  const tile = tiles.find((t) => t.tileTokens < 2 * tokens && fits(t)) ?? tiles[tiles.length - 1];
  const spec: TiledSpec = { ...operands(x, w, option), ...tile };
  const kernel = ctx.pipelines.get(tiledKernelName(spec), () => tiledKernel(spec));
  return { kernel, tokens: tile.tileTokens, rows: tile.tileRows };
}
