/** How a quantizer packs the codes of a linear layer into words of 32 bits. */
export interface PackedLayout {
  /** As `inspect` shows it. */
  readonly name: string;
  readonly bits: 4 | 8;
  /** [out, in] of the layer whose `qweight` has this shape. */
  matrixShape(qweight: readonly [number, number]): { rows: number; cols: number };
  /**
   * Codes of rows `start … start + count - 1` as in QuantizedRows: [count, cols], of four bits two a byte.
   *
   * @param words `qweight`, row-major
   * @param q begins where a word may
   */
  unpack(words: Uint32Array, shape: { rows: number; cols: number }, start: number, count: number, q: Uint8Array): void;
  /**
   * The code that stands for 0 in a row's group.
   *
   * @param words `qzeros` [groups, rows · bits / 32], row-major
   */
  zero(words: Uint32Array, rows: number, group: number, row: number): number;
}
