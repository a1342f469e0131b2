/** int4 by plain rounding, for comparison: the range of each group in 15 equal parts, each weight to the nearest. */
import type { OpenModel } from '../../src/model/files/open-model.ts';
import { f32Rows } from '../../src/model/files/sources.ts';
import { mapLeaves, type Tree } from '../../src/model/weights/spec.ts';
import {
  planWeights,
  type PlannedLeaf,
  type PlannedMatrix,
  type WeightPlan,
} from '../../src/model/weights/weight-plan.ts';
import type { MatrixSource } from '../../src/tensor/matrix.ts';
import { quantizedSource, WEIGHT_GROUP } from '../../src/tensor/quantize.ts';
import { dequantizeRows } from '../../src/tensor/rows.ts';

const PARTS = 15;

/** What `--quant int4` makes of the model, but for the rounding; the values are held in f32. */
export function nearestPlan(model: OpenModel): WeightPlan {
  const plan = planWeights(model, 'none');
  return { ...plan, weights: mapLeaves(plan.weights, rounded) as Tree<PlannedLeaf> };
}

function rounded(leaf: PlannedLeaf): PlannedLeaf {
  const int4 = (matrix: PlannedMatrix): PlannedMatrix => {
    const shape = { ...matrix, format: 'f32', groupSize: 0 } as const;
    return { ...shape, open: () => toNearest(matrix.open()) };
  };
  const int8 = (matrix: PlannedMatrix): PlannedMatrix => {
    const shape = { ...matrix, format: 'int8', groupSize: WEIGHT_GROUP } as const;
    return { ...shape, open: () => quantizedSource(matrix.open(), 'int8') };
  };
  switch (leaf.kind) {
    case 'vec':
      return leaf;
    case 'lin':
      return leaf.spec?.isRouter ? leaf : { ...leaf, weight: int4(leaf.weight) };
    case 'heads':
      return { ...leaf, matrix: int4(leaf.matrix) };
    case 'table':
      return { ...leaf, matrix: int8(leaf.matrix) };
    default:
      return leaf satisfies never;
  }
}

function toNearest(source: MatrixSource): MatrixSource {
  const { cols } = source;
  const readRows = (start: number, count: number) => {
    const values = dequantizeRows(source.readRows(start, count), count, cols, source.groupSize);
    for (let at = 0; at < values.length; at += WEIGHT_GROUP) roundGroup(values.subarray(at, at + WEIGHT_GROUP));
    return f32Rows(values);
  };
  return { ...source, format: 'f32', groupSize: 0, readRows };
}

function roundGroup(group: Float32Array): void {
  const low = Math.min(...group);
  const scale = (Math.max(...group) - low) / PARTS;
  if (scale === 0) return;
  group.forEach((value, i) => (group[i] = low + scale * Math.round((value - low) / scale)));
}
