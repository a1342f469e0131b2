/** What kernels on matrix units are composed with: matrix-unit.wgsl for the adapter's, or what stands in for them. */
import type { Gpu } from '../../gpu/device.ts';
import type { MatrixUnit } from '../../gpu/matrix-unit.ts';
import type { Defines } from '../../gpu/wgsl.ts';

/** In place of an adapter's own where it has none. */
const emulated: MatrixUnit = { operand: 'f16', tokens: 16, rows: 16, cols: 16, lanes: 32, isEmulated: true };

export const unitOf = ({ matrixUnit }: Gpu): MatrixUnit => matrixUnit ?? emulated;

/** Emulated units work on adapters without f16 too, where their operands are rounded to it. */
const keptAs = ({ operand, isEmulated }: MatrixUnit, { hasF16 }: Gpu): 'f16' | 'f32' =>
  isEmulated && !hasF16 ? 'f32' : operand;

/** Of an operand in workgroup memory. */
export const operandBytes = (unit: MatrixUnit, gpu: Gpu): 2 | 4 => (keptAs(unit, gpu) === 'f16' ? 2 : 4);

/** With the part of a kernel's name that tells. */
export function unitText(unit: MatrixUnit, gpu: Gpu): { readonly name: string; readonly defines: Defines } {
  const { operand, tokens, rows, cols, lanes, isEmulated } = unit;
  return {
    name: [operand, `${tokens}x${rows}x${cols}`, lanes, ...(isEmulated ? ['emulated'] : [])].join('-'),
    defines: {
      ...{ UNIT_TOKENS: tokens, UNIT_ROWS: rows, UNIT_COLS: cols, LANES: lanes, Operand: keptAs(unit, gpu) },
      ...(isEmulated && { 'matrix-unit.wgsl': 'matrix-unit.emulated.wgsl', ROUNDS: String(operand === 'f16') }),
    },
  };
}
