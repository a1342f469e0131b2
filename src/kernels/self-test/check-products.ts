/** Self-test of matrix products: each kernel with each plan that a model's matrices come to, on small matrices of their format. */
import type { MatrixShape } from '../../tensor/matrix.ts';
import type { DType } from '../../tensor/tensor.ts';
import { FEW_TOKENS } from '../matmul/matmul.ts';
import { chosenPlan, plainPlans, rowsMatmul, type PlannedKernel } from '../matmul/matmul.rows.ts';
import { recordedShape } from '../program/recorded-matrix.ts';
import type { NodeOf } from '../program/recording.ts';
import { WebGPUOps } from '../webgpu-ops.ts';
import { checkOp, type Backends, type Wrong } from './check.ts';
import { releaseStorage } from './node-inputs.ts';
import { quantized, randomFloats, randomMatrix } from './random-inputs.ts';

/** Tokens of steps, from a decode step to a piece of a prompt. */
const stepTokens = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
/** Columns of the matrices, but for those that no 8 divides: more than one step of every tile. */
const COLS = 96;

interface Product {
  readonly kernel: PlannedKernel;
  readonly shape: MatrixShape;
  readonly tokens: number;
  readonly dtype: DType;
  readonly hasBias: boolean;
  readonly hasResidual: boolean;
}

export async function checkProducts(backends: Backends, nodes: readonly NodeOf<'matmul'>[]): Promise<Wrong[]> {
  const products = new Map<string, Product>();
  for (const node of nodes)
    for (const tokens of stepTokens) {
      const product = productOf(backends.device, node, tokens);
      if (!product) continue;
      const { kernel, shape, dtype, hasBias, hasResidual } = product;
      const key = [kernel.name, kernel.plan.size, shape.format, shape.groupSize, shape.cols % 8, dtype];
      products.set([...key, hasBias, hasResidual].join(), product);
    }
  const wrong: Wrong[] = [];
  for (const product of products.values()) wrong.push(...(await check(backends, product)));
  return wrong;
}

/** null: not a kernel of matmul.rows.ts. */
function productOf({ context }: WebGPUOps, { args: [x, w, option] }: NodeOf<'matmul'>, most: number): Product | null {
  const name = context.variant(most <= FEW_TOKENS ? 'matmul of few tokens' : 'matmul');
  if (name === 'matmul.lavapipe') return null;
  const { groupSize } = recordedShape(w);
  const kernel = chosenPlan(context, name, most, w, plainPlans(context, most, w));
  const rows = Math.min(w.rows, kernel.plan.rows + 5);
  const cols = w.cols < COLS ? w.cols : COLS + (w.cols % 8);
  return {
    kernel,
    shape: { name: w.name, rows, cols, format: w.format, groupSize },
    tokens: Math.min(most, kernel.plan.tokens + 3),
    dtype: x.dtype,
    hasBias: option?.bias !== undefined,
    hasResidual: option?.residual !== undefined,
  };
}

async function check(backends: Backends, product: Product): Promise<Wrong[]> {
  const { kernel, shape, tokens, dtype, hasBias, hasResidual } = product;
  const { rows, cols } = shape;
  const [onDevice, onHost] = [
    await backends.device.uploadMatrix(randomMatrix(1, shape)),
    await backends.reference.uploadMatrix(randomMatrix(1, shape)),
  ];
  const wrong = await checkOp('matmul', backends, (ops) => {
    const w = ops === backends.device ? onDevice : onHost;
    const given = ops.uploadF32(randomFloats(2, tokens * cols), [tokens, cols]);
    const x = dtype === 'q8' ? quantized(ops, given, w) : given;
    const option = {
      ...(hasBias && { bias: ops.uploadF32(randomFloats(3, rows), [rows]) }),
      ...(hasResidual && { residual: ops.uploadF32(randomFloats(4, tokens * rows), [tokens, rows]) }),
    };
    return ops instanceof WebGPUOps
      ? rowsMatmul(ops.context, kernel.name, x, w, option, kernel.plan)
      : ops.matmul(x, w, option);
  });
  releaseStorage(onDevice.storage);
  return wrong ? [wrong] : [];
}
