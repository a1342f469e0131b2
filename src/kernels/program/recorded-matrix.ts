/** Matrices of a recording that is made over shapes only: what else of them is known. */
import type { MatrixShape } from '../../tensor/matrix.ts';
import type { Matrix } from '../ops.ts';

/** What such a matrix has as its storage. */
export interface RecordedMatrix {
  readonly groupSize: number;
}

/** Its shape, with what the backends' own matrices do not say. */
export function recordedShape({ storage, ...shape }: Matrix): MatrixShape {
  return { ...shape, groupSize: (storage as RecordedMatrix).groupSize };
}
