/** Matrix units of adapters that the tests have not. */
import type { MatrixUnit } from '../../src/gpu/matrix-unit.ts';

export function matrixUnit(
  operand: 'f16' | 'f32',
  [tokens, rows, cols]: readonly [number, number, number],
  lanes = 32,
): MatrixUnit {
  return { operand, tokens, rows, cols, lanes, isEmulated: false };
}

export const nvidia = matrixUnit('f16', [16, 16, 16]);
export const apple = matrixUnit('f32', [8, 8, 8]);
