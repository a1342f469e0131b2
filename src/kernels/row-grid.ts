/** WebGPU's least maxComputeWorkgroupsPerDimension; row-grid.wgsl has it too. */
const MOST = 65535;

/**
 * A grid whose rows may be more than one dimension has: a dispatch gets the first number in the dimension of the rows and the second
 * in z, and its kernel `gridRow` of row-grid.wgsl. Workgroups behind the last row leave the result alone.
 */
export function rowGrid(rows: number): readonly [inRow: number, z: number] {
  return [Math.min(rows, MOST), Math.ceil(rows / MOST)];
}
