/** Self-test of the kernels that stand for several ops: each way in which a model's products are fused, in a program of its own. */
import { numel, type Tensor } from '../../tensor/tensor.ts';
import { findFusedMatmul, type FusedMatmul } from '../fused-matmul/fused-matmul.pattern.ts';
import type { Matrix, ModelOps, Ops, Step } from '../ops.ts';
import { recordedShape } from '../program/recorded-matrix.ts';
import type { Node } from '../program/recording.ts';
import { checkOp, withChoicesOf, type Backends, type Wrong } from './check.ts';
import { releaseStorage } from './node-inputs.ts';
import { randomFloats, randomMatrix } from './random-inputs.ts';

/** Rows of the result; more than a team has. */
const ROWS = 24;
const tokenCounts = [1, 3];

/** @param steps of each backend */
export async function checkFused(
  backends: Backends,
  nodes: readonly Node[],
  steps: ReadonlyMap<Ops, Step>,
): Promise<Wrong[]> {
  const found = new Map<string, FusedMatmul>();
  nodes.forEach((_, at) => {
    const match = findFusedMatmul(nodes, at)?.found;
    if (!match) return;
    const { norm, activation, linear } = match;
    const { format, cols, groupSize } = recordedShape(linear.weight);
    found.set(JSON.stringify([norm?.eps, activation, format, groupSize, cols, linear.bias !== undefined]), match);
  });
  const wrong: Wrong[] = [];
  for (const fused of found.values())
    for (const tokens of tokenCounts) {
      const one = await check(backends, fused, steps, tokens);
      if (one) wrong.push(one);
    }
  return wrong;
}

async function check(
  backends: Backends,
  { norm, linear, activation }: FusedMatmul,
  steps: ReadonlyMap<Ops, Step>,
  tokens: number,
): Promise<Wrong | null> {
  const { format, cols, groupSize } = recordedShape(linear.weight);
  const rows = ROWS * (activation ? 2 : 1);
  const shape = { name: 'fused', rows, cols, format, groupSize };
  const weights = new Map<Ops, Matrix>();
  for (const ops of steps.keys()) weights.set(ops, await ops.uploadMatrix(randomMatrix(1, shape)));
  const wrong = await withChoicesOf(backends, linear.weight, () =>
    checkOp('fused matmul', backends, (ops) => {
      const w = weights.get(ops)!;
      const floats = (seed: number, given: readonly number[]): Tensor =>
        ops.uploadF32(randomFloats(seed, numel(given)), given);
      const x = floats(2, [tokens, cols]);
      const normed = norm && ({ kind: 'rms', weight: floats(3, [cols]), eps: norm.eps } as const);
      const option = linear.bias ? { bias: floats(4, [rows]) } : {};
      const body = (part: ModelOps): { y: Tensor } => {
        const product = part.matmul(normed ? part.norm(x, normed, { to: w }) : x, w, option);
        return { y: activation ? part.gatedMul(product, activation, { to: w }) : product };
      };
      return ops.program({}, steps.get(ops)!, body).y;
    }),
  );
  for (const { storage } of weights.values()) releaseStorage(storage);
  return wrong && { ...wrong, kernels: ['fused-matmul'] };
}
