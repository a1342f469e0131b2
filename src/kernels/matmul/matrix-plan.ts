/** Tiles of matmul.matrix.wgsl: which, for so many tokens and rows, and what the text is made with. */
import type { MatrixUnit } from '../../gpu/matrix-unit.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import { busyPlan, type RowsPlan } from './rows-plan.ts';

interface Tile {
  readonly tokens: number;
  readonly rows: number;
  readonly cols: number;
  /** How teams, four subgroups, share it out: along tokens, rows and columns. */
  readonly teams: readonly [down: number, across: number, deep: number];
}

/** From large to small. */
const tiles: readonly Tile[] = [
  { tokens: 128, rows: 128, cols: 32, teams: [2, 2, 1] },
  { tokens: 64, rows: 128, cols: 32, teams: [2, 2, 1] },
  { tokens: 64, rows: 64, cols: 32, teams: [2, 2, 1] },
  { tokens: 32, rows: 64, cols: 32, teams: [2, 2, 1] },
  { tokens: 32, rows: 32, cols: 64, teams: [1, 2, 2] },
  { tokens: 16, rows: 32, cols: 64, teams: [1, 2, 2] },
];

/** What stands in for an adapter's own where it has none. */
const emulated: MatrixUnit = { operand: 'f16', tokens: 16, rows: 16, cols: 16, lanes: 32, isEmulated: true };

/** @param tokensInAll, rowsInAll of the product */
export function matrixPlan(ctx: WebGPUContext, tokensInAll: number, rowsInAll: number): RowsPlan {
  return busyPlan(matrixPlans(ctx), tokensInAll, rowsInAll);
}

/** Those whose tiles fit the adapter's workgroup memory, from large to small. */
export function matrixPlans({ gpu: { matrixUnit, hasF16, device } }: WebGPUContext): RowsPlan[] {
  const unit = matrixUnit ?? emulated;
  const memory = device.limits.maxComputeWorkgroupStorageSize;
  return tiles.filter((tile) => workgroupBytes(tile, unit, hasF16) <= memory).map((tile) => planOf(tile, unit, hasF16));
}

/** Tiles of both operands with their padding, and a block of each team. */
function workgroupBytes({ tokens, rows, cols, teams }: Tile, unit: MatrixUnit, hasF16: boolean): number {
  const [down, across, deep] = teams;
  const blocks = down * across * deep * unit.tokens * unit.rows * 4;
  return (tokens + rows) * (cols + 8) * (keptAs(unit, hasF16) === 'f16' ? 2 : 4) + blocks;
}

/** Emulated units work on adapters without f16 too, where their operands are rounded to it. */
const keptAs = ({ operand, isEmulated }: MatrixUnit, hasF16: boolean): 'f16' | 'f32' =>
  isEmulated && !hasF16 ? 'f32' : operand;

function planOf({ tokens, rows, cols, teams }: Tile, unit: MatrixUnit, hasF16: boolean): RowsPlan {
  const [DOWN, ACROSS, DEEP] = teams;
  const { operand, lanes, isEmulated } = unit;
  const block = `${unit.tokens}x${unit.rows}x${unit.cols}-${lanes}`;
  return {
    tokens,
    rows,
    size: [`${tokens}x${rows}x${cols}`, operand, block, ...(isEmulated ? ['emulated'] : [])].join('-'),
    defines: {
      ...{ TILE_TOKENS: tokens, TILE_ROWS: rows, TILE_COLS: cols, DOWN, ACROSS, DEEP },
      ...{ UNIT_TOKENS: unit.tokens, UNIT_ROWS: unit.rows, UNIT_COLS: unit.cols, LANES: lanes },
      Operand: keptAs(unit, hasF16),
      ...(isEmulated && { 'matrix-unit.wgsl': 'matrix-unit.emulated.wgsl', ROUNDS: String(operand === 'f16') }),
    },
  };
}
