/**
 * The few-token product on GPUs with the norm in front of it, the gate behind it, or both, in one dispatch:
 * `y = activation(gate) · up` with `[gate; up] = W · rms_norm(x) (+ bias)`, or `y = W · rms_norm(x) (+ bias)`.
 *
 * Shapes: `x [T, K]` f32, `W [N, K]` → `[T, N / 2]` or `[T, N]` f32. The same numbers as the ops one by one, sums in the same order:
 * matmul.gemv.wgsl with the ops' own functions in front (rms-prologue.wgsl) and behind (finish.gated.wgsl).
 * Dispatch: as matmul.gemv; each workgroup norms its tokens itself. Limits: up to 8 tokens, with a norm 4, since each
 * workgroup reads them twice; K a multiple of 8 with a norm; one slice of the matrix; workgroup memory.
 */
import type { Constants } from '../../gpu/pipelines.ts';
import type { Defines } from '../../gpu/wgsl.ts';
import { gatedActivationCode } from '../activation/activation.ts';
import { GEMV_THREADS, gemvPlan, gemvPlans, type GemvPlan } from '../matmul/gemv-plan.ts';
import { FEW_TOKENS } from '../matmul/matmul.ts';
import { chosenPlan, plainPlans, rowsKernel, type Plans } from '../matmul/matmul.rows.ts';
import type { ProductUse, RowsKernel } from '../matmul/product-choices.ts';
import { weightWork } from '../matmul/product-work.ts';
import { CHUNK, type RowMatrix } from '../matmul/row-matrix.ts';
import type { Matrix } from '../ops.ts';
import type { Fusion } from '../program/fusion.ts';
import { NORM_THREADS } from '../rms-norm/rms-norm.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { addWork, moves } from '../work.ts';
import { findFusedMatmul, type FusedMatmul } from './fused-matmul.pattern.ts';

/** Beyond, a norm of its own reads less. By reasoning: not yet measured. */
const FEW_NORMED = 4;

export const fusedMatmul: Fusion = (ctx, nodes, at) => {
  const match = ctx.variant('fused matmul') ? findFusedMatmul(nodes, at) : null;
  const plan = match && planFor(ctx, match.found);
  return match && plan && { count: match.count, run: () => fusedProduct(ctx, match.found, plan) };
};

/** Null where there is no kernel for it. */
function planFor(ctx: WebGPUContext, { x, norm, linear: { weight }, activation }: FusedMatmul): GemvPlan | null {
  const [tokens, cols] = x.shape;
  const { slices } = weight.storage as RowMatrix;
  const isFew = tokens > 0 && tokens <= (norm ? FEW_NORMED : FEW_TOKENS);
  if (!isFew || x.dtype !== 'f32' || slices.length !== 1 || cols !== weight.cols) return null;
  if (norm && (cols % CHUNK !== 0 || GEMV_THREADS !== NORM_THREADS)) return null;
  // Another kernel, where one was measured to be faster, has other bits.
  const few = ctx.variant('matmul of few tokens') as RowsKernel;
  const { name } = chosenPlan(ctx, few, tokens, weight, plainPlans(ctx, tokens, weight));
  if (name !== 'matmul.gemv') return null;
  const plans = fusedPlans(ctx, tokens, weight, { kind: 'fused', hasNorm: norm !== null, activation });
  const { plan } = chosenPlan(ctx, 'matmul.gemv', tokens, weight, plans);
  return plan.bytes + bytesOfNorm(norm !== null, plan) <= ctx.gpu.device.limits.maxComputeWorkgroupStorageSize
    ? plan
    : null;
}

/** Of workgroup memory. */
const bytesOfNorm = (hasNorm: boolean, { tokens }: GemvPlan): number => (hasNorm ? (NORM_THREADS + tokens) * 4 : 0);

export type FusedUse = ProductUse & { readonly kind: 'fused' };

/** The plans of matmul.gemv with what is around it; other kernels have none. */
export function fusedPlans(
  ctx: WebGPUContext,
  tokens: number,
  { rows, format }: Matrix,
  use: FusedUse,
): Plans<GemvPlan> {
  const parts = use.activation ? 2 : 1;
  const memory = ctx.gpu.device.limits.maxComputeWorkgroupStorageSize;
  return {
    use,
    usual: () => gemvPlan(ctx, tokens, rows / parts, format, parts),
    candidates: (name) =>
      name === 'matmul.gemv'
        ? gemvPlans(ctx, tokens, format, parts).filter((plan) => plan.bytes + bytesOfNorm(use.hasNorm, plan) <= memory)
        : [],
  };
}

/** Most tokens of a step for which there is such a kernel. */
export const mostFused = ({ hasNorm }: FusedUse): number => (hasNorm ? FEW_NORMED : FEW_TOKENS);

/** The product with that plan. */
export function fusedProduct(ctx: WebGPUContext, fused: FusedMatmul, plan: GemvPlan): GpuTensor {
  const { x, norm, linear, activation } = fused;
  const { weight, bias } = linear;
  const matrix = weight.storage as RowMatrix;
  const [{ data, scales }] = matrix.slices;
  const [tokens] = x.shape;
  const rows = weight.rows / (activation ? 2 : 1);
  const y = ctx.tensor([tokens, rows], 'f32');
  const kernel = rowsKernel(ctx, 'matmul.gemv', plan, x, weight, bias !== undefined, {
    parts: [...(norm ? ['norm'] : []), ...(activation ? ['gated'] : [])],
    ...textOf(fused),
  });
  ctx.recorder.does(() =>
    addWork(
      weightWork(weight, matrix.groupSize, weight.rows, tokens),
      moves([x, y, ...(norm ? [norm.weight] : [])], 0),
      // As the norm and the gate say by themselves, what they load and store left out.
      { bytes: 0, flops: (norm ? moves([x], 4).flops : 0) + (activation ? 2 * moves([y], 6).flops : 0) },
    ),
  );
  ctx.recorder.dispatch(
    kernel,
    [data, scales, bufferOf(x), y.storage, bias ? bufferOf(bias) : null, null, norm ? bufferOf(norm.weight) : null],
    new Uint32Array([tokens, rows, weight.cols, matrix.chunksPerRow, 0, rows]),
    Math.ceil(rows / plan.rows),
  );
  return y;
}

/** What is put into the product's text. */
function textOf({ norm, activation }: FusedMatmul): { defines: Defines; constants: Constants } {
  return {
    defines: {
      ...(norm && { 'no-norm.wgsl': '../fused-matmul/rms-prologue.wgsl', SIZE: NORM_THREADS }),
      ...(activation && { 'finish.wgsl': '../fused-matmul/finish.gated.wgsl' }),
    },
    constants: {
      ...(norm && { NORM_EPS: norm.eps }),
      ...(activation && { ACTIVATION: gatedActivationCode[activation] }),
    },
  };
}
