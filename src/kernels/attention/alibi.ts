/** Slopes of ALiBi, one a query head (Press et al. 2022, arXiv:2108.12409; between powers of two as in BLOOM). */
export function alibiSlopes(heads: number): number[] {
  const n = 2 ** Math.floor(Math.log2(heads));
  return Array.from({ length: heads }, (_, h) => 2 ** (h < n ? (-8 * (h + 1)) / n : (-4 * (2 * (h - n) + 1)) / n));
}
