/** A vector of the model before it is read, and how planning asks for what is stored. */
import type { StoredTensor } from '../files/stored-tensor.ts';

export interface PlannedVector {
  readonly kind: 'vec';
  readonly length: number;
  readonly read: () => Float32Array;
}

/** The tensor of that name, in that shape; throws where it is missing or of another. */
export type Take = (name: string, shape: readonly number[], how?: TakeOption) => StoredTensor;

export interface TakeOption {
  /** Only the number of elements matters. */
  readonly isFlat?: boolean;
}
