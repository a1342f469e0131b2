/** Kernels for single products, as they were measured: what stands in front of the choice by the table of kernels. */
import type { WeightFormat } from '../../tensor/matrix.ts';

/** A product with a matrix of one model: `x [tokens, cols] · w [rows, cols]ᵀ`. */
export interface ProductShape {
  readonly format: WeightFormat;
  readonly rows: number;
  readonly cols: number;
  readonly tokens: number;
}

/** The ladder (matmul.rows.ts), each a file. */
export const rowsKernels = ['matmul.naive', 'matmul.gemv', 'matmul.tiled', 'matmul.matrix'] as const;
export type RowsKernel = (typeof rowsKernels)[number];

export interface ProductChoice {
  readonly name: RowsKernel;
  /** Of its plan (matmul.rows.ts): one that is no longer there is no choice. */
  readonly size: string;
}

/** null: nobody knows better than the table. */
export type ProductChoices = (product: ProductShape) => ProductChoice | null;
