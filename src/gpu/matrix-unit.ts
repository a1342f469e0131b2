/** What an adapter's matrix units multiply: one kind of block out of those that it offers. */

export interface MatrixUnit {
  /** Type of the operands; sums are f32. */
  readonly operand: 'f16' | 'f32';
  /** Of a block: tokens × rows, summed over columns (M, N and K). */
  readonly tokens: number;
  readonly rows: number;
  readonly cols: number;
  /** Most invocations of a subgroup, which compute a block together: a workgroup has a multiple of them. */
  readonly lanes: number;
  /** By plain loops, in tests: matmul/matrix-unit.emulated.wgsl. */
  readonly isEmulated: boolean;
}

/** An entry of `GPUAdapterInfo.subgroupMatrixConfigs`, which the typings do not know yet. */
export interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What an adapter offers; none on most. */
export function matrixConfigs(info: GPUAdapterInfo): SubgroupMatrixConfig[] {
  const known: GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> } = info;
  return [...(known.subgroupMatrixConfigs ?? [])];
}

/**
 * The largest block with operands of f16 and sums of f32; where there is none, of f32 throughout (Metal). Sums of f16 overflow
 * in real models. Blocks of other sizes than 8 and 16 are left out: tiles could not be made of them.
 *
 * @param lanes `GPUAdapterInfo.subgroupMaxSize`
 */
export function chooseMatrixUnit(
  configs: readonly SubgroupMatrixConfig[],
  lanes: number,
  hasF16: boolean,
): MatrixUnit | null {
  const operands = hasF16 ? (['f16', 'f32'] as const) : (['f32'] as const);
  const units = operands.flatMap((operand) =>
    configs
      .filter(({ componentType, resultComponentType }) => componentType === operand && resultComponentType === 'f32')
      .filter(({ M, N, K }) => [M, N, K].every((size) => size === 8 || size === 16))
      .sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K)
      .map(({ M, N, K }) => ({ operand, tokens: M, rows: N, cols: K, lanes, isEmulated: false })),
  );
  return units[0] ?? null;
}
