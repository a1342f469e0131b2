/** 0 … n-1: what a generator of WGSL unrolls over. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
