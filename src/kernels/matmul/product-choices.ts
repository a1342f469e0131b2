/** Kernels for single products, as they were measured: what stands in front of the choice by the table of kernels. */
import type { WeightFormat } from '../../tensor/matrix.ts';
import type { GatedActivation } from '../ops.ts';

/** What a product is part of, where that is another kernel, or where its lines meet other rows. */
export type ProductUse =
  | { readonly kind: 'plain' }
  /** With a norm in front of it, a gate behind it, or both, in one dispatch. */
  | { readonly kind: 'fused'; readonly hasNorm: boolean; readonly activation: GatedActivation | null }
  /** Each token with so many of the experts; x has a row for each token, or for each of its experts. */
  | { readonly kind: 'experts'; readonly experts: number; readonly perToken: number; readonly hasRowEach: boolean }
  | { readonly kind: 'heads'; readonly heads: number };

export const plain: ProductUse = { kind: 'plain' };

/** A product with a matrix of one model: `x [tokens, cols] · w [rows, cols]ᵀ`; rows are those of all experts or heads. */
export interface ProductShape {
  readonly format: WeightFormat;
  readonly rows: number;
  readonly cols: number;
  readonly tokens: number;
  readonly use: ProductUse;
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
