/** What is measured of a product in each of its uses: kernels and plans that it can have, its input, and a dispatch. */
import type { Tensor } from '../../tensor/tensor.ts';
import { hasFewPairs } from '../expert-matmul/expert-matmul.ts';
import { expertPlans, rowsExpertMatmul } from '../expert-matmul/expert-matmul.rows.ts';
import { fusedPlans, fusedProduct } from '../fused-matmul/fused-matmul.ts';
import type { GemvPlan } from '../matmul/gemv-plan.ts';
import { headPlans, rowsOfHeads } from '../head-matmul/head-matmul.ts';
import { FEW_TOKENS } from '../matmul/matmul.ts';
import { plainPlans, rowsMatmul, type PlannedKernel, type Plans } from '../matmul/matmul.rows.ts';
import type { RowsKernel } from '../matmul/product-choices.ts';
import type { Matrix } from '../ops.ts';
import type { WebGPUOps } from '../webgpu-ops.ts';
import type { Question } from './tune-products.ts';

export interface TunedUse {
  readonly kernels: readonly RowsKernel[];
  readonly plans: Plans;
  /** Lines that meet a matrix, or an expert's part of it: tiles of many more are for others. */
  readonly lines: number;
  /** What a sample needs besides weights, on the device; all of it is to be destroyed. */
  inputs(): readonly Tensor[];
  run(inputs: readonly Tensor[], w: Matrix, chosen: PlannedKernel): Tensor;
}

/** Few tokens by the kernels that read weights once, more by those with tiles; between them both. */
function kernelsFor(tokens: number, few: number): readonly RowsKernel[] {
  const [once, tiles] = [['matmul.gemv'], ['matmul.tiled', 'matmul.matrix']] as const;
  if (tokens <= few) return 2 * tokens > few ? [...once, ...tiles] : once;
  return tokens <= 2 * few ? [...tiles, ...once] : tiles;
}

export function tunedUse(ops: WebGPUOps, { matrix, tokens, use }: Question): TunedUse {
  const { context } = ops;
  const w: Matrix = { ...matrix, storage: null };
  const zeros = (...shape: number[]): Tensor => ops.uploadF32(new Float32Array(shape.reduce((a, b) => a * b)), shape);
  const plainUse = { kernels: kernelsFor(tokens, FEW_TOKENS), lines: tokens };
  switch (use.kind) {
    case 'plain':
      return {
        ...plainUse,
        plans: plainPlans(context, tokens, w),
        inputs: () => [zeros(tokens, matrix.cols)],
        run: ([x], weights, { name, plan }) => rowsMatmul(context, name, x, weights, {}, plan),
      };
    case 'fused':
      return {
        ...plainUse,
        kernels: ['matmul.gemv'],
        plans: fusedPlans(context, tokens, w, use),
        inputs: () => [zeros(tokens, matrix.cols), zeros(matrix.cols)],
        run: ([x, weight], weights, { plan }) => {
          const norm = use.hasNorm ? { weight, eps: 1e-5 } : null;
          const fused = { x, norm, linear: { weight: weights }, activation: use.activation };
          return fusedProduct(context, fused, plan as GemvPlan);
        },
      };
    case 'experts': {
      const { experts, perToken, hasRowEach } = use;
      const pairs = tokens * perToken;
      const isFew = hasFewPairs(pairs, experts);
      const isNear = hasFewPairs(pairs / 2, experts) && !hasFewPairs(2 * pairs, experts);
      return {
        kernels: isNear
          ? ['matmul.gemv', 'matmul.tiled', 'matmul.matrix']
          : kernelsFor(isFew ? 1 : Infinity, FEW_TOKENS),
        lines: Math.ceil(pairs / experts),
        plans: expertPlans(context, w, { tokens, perToken, hasRowEach }),
        inputs: () => [
          zeros(hasRowEach ? pairs : tokens, matrix.cols),
          ops.uploadF32(evenly(pairs, experts), [tokens, 2 * perToken]),
        ],
        run: ([x, routing], weights, chosen) => rowsExpertMatmul(context, chosen, x, weights, routing, {}),
      };
    }
    case 'heads':
      return {
        ...plainUse,
        plans: headPlans(context, tokens, w),
        inputs: () => [zeros(tokens, use.heads * matrix.cols)],
        run: ([x], weights, chosen) => {
          const y = context.tensor([tokens, matrix.rows], 'f32');
          rowsOfHeads(context, chosen, x, weights, y);
          return y;
        },
      };
    default:
      return use satisfies never;
  }
}

/** Pairs of an expert and its weight, all experts as often as each other. */
function evenly(pairs: number, experts: number): Float32Array {
  return Float32Array.from({ length: 2 * pairs }, (_, i) => (i % 2 === 0 ? (i / 2) % experts : 1));
}
