/** What a model is made of besides its own weights: rotary tables, each made once. */
import type { DynamicRotary, Ops, RotarySpec } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ModelParts } from '../architecture.ts';
import { lengthIndependentUpTo, rotaryRows, rotaryTable, type RopeParameters } from '../layers/rope.ts';
import type { ScoreHead } from '../layers/score-head.ts';

/** @param makeTable [maxLength, rotaryDim]: see RotarySpec.table */
export function modelParts(
  maxLength: number,
  scoreHead: ScoreHead | null,
  makeTable: (rope: RopeParameters, rotaryDim: number) => Tensor,
): ModelParts {
  const rotaries = new Map<string, RotarySpec>();
  const rotary = (rope: RopeParameters, headDim: number, rotaryDim = headDim, interleaved = false): RotarySpec => {
    const key = JSON.stringify([rope, headDim, rotaryDim, interleaved]);
    const known = rotaries.get(key);
    if (known) return known;
    const shared = { headDim, rotaryDim, interleaved, table: makeTable(rope, rotaryDim) };
    const limit = lengthIndependentUpTo(rope);
    const made =
      limit !== null && maxLength > limit ? { ...shared, dynamic: dynamicRotary(rope, rotaryDim, limit) } : shared;
    rotaries.set(key, made);
    return made;
  };
  return { maxLength, scoreHead, rotary };
}

function dynamicRotary(rope: RopeParameters, rotaryDim: number, trainedLength: number): DynamicRotary {
  return { trainedLength, rows: (positions, lengths) => rotaryRows(rope, rotaryDim, positions, lengths) };
}

export function loadedParts(ops: Ops, maxLength: number, scoreHead: ScoreHead | null): ModelParts {
  return modelParts(maxLength, scoreHead, (rope, rotaryDim) =>
    ops.uploadF32(rotaryTable(rope, rotaryDim, maxLength), [maxLength, rotaryDim]),
  );
}
