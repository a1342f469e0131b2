/** What a model multiplies its matrices with, and what the products are part of: out of a recording of its program. */
import { findFusedMatmul } from '../../kernels/fused-matmul/fused-matmul.pattern.ts';
import { mostFused } from '../../kernels/fused-matmul/fused-matmul.ts';
import { plain } from '../../kernels/matmul/product-choices.ts';
import type { Step } from '../../kernels/ops.ts';
import { recordedShape } from '../../kernels/program/recorded-matrix.ts';
import { nodesOf, type Node, type NodeOf } from '../../kernels/program/recording.ts';
import type { UsedMatrix } from '../../kernels/tuning/tune-products.ts';

/**
 * @param step of the recording
 * @param most tokens of a step; those behind the rows that are sampled from are multiplied with those rows only
 * @param isFused whether few tokens run with what is around their products
 */
export function usedMatrices(
  nodes: readonly Node[],
  { numTokens }: Step,
  most: { readonly ofStep: number; readonly ofLogits: number },
  isFused: boolean,
): UsedMatrix[] {
  const mostOf = (tokens: number): number => (tokens === numTokens ? most.ofStep : most.ofLogits);
  return [
    ...nodesOf(nodes, 'matmul').map(({ args: [x, w] }) => ({
      ...{ matrix: recordedShape(w), mostTokens: mostOf(x.shape[0]) },
      use: plain,
    })),
    ...(isFused ? fused(nodes, mostOf) : []),
    ...nodesOf(nodes, 'expertMatmul').map((node) => ofExperts(node, mostOf)),
    ...nodesOf(nodes, 'headMatmul').map(({ args: [x, w] }) => ({
      ...{ matrix: recordedShape(w), mostTokens: mostOf(x.shape[0]) },
      use: { kind: 'heads', heads: w.experts ?? 1 } as const,
    })),
  ];
}

function fused(nodes: readonly Node[], mostOf: (tokens: number) => number): UsedMatrix[] {
  return nodes.flatMap((_, at) => {
    const found = findFusedMatmul(nodes, at)?.found;
    if (found?.x.dtype !== 'f32') return [];
    const { x, norm, linear, activation } = found;
    const use = { kind: 'fused', hasNorm: norm !== null, activation } as const;
    return [{ matrix: recordedShape(linear.weight), mostTokens: Math.min(mostFused(use), mostOf(x.shape[0])), use }];
  });
}

function ofExperts({ args: [x, w, routing] }: NodeOf<'expertMatmul'>, mostOf: (tokens: number) => number): UsedMatrix {
  const [tokens, width] = routing.shape;
  const { experts = 1 } = w;
  return {
    ...{ matrix: recordedShape(w), mostTokens: mostOf(tokens) },
    use: { kind: 'experts', experts, perToken: width / 2, hasRowEach: x.shape[0] !== tokens },
  };
}
