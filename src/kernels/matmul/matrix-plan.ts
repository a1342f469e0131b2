/** Tiles of matmul.matrix.wgsl: which, for so many tokens and rows, and what the text is made with. */
import type { Gpu } from '../../gpu/device.ts';
import type { MatrixUnit } from '../../gpu/matrix-unit.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import { operandBytes, unitOf, unitText } from './matrix-unit.ts';
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

/** @param tokensInAll, rowsInAll of the product */
export function matrixPlan(ctx: WebGPUContext, tokensInAll: number, rowsInAll: number): RowsPlan {
  return busyPlan(matrixPlans(ctx), tokensInAll, rowsInAll);
}

/** Those whose tiles fit the adapter's workgroup memory, from large to small. */
export function matrixPlans({ gpu }: WebGPUContext): RowsPlan[] {
  const unit = unitOf(gpu);
  const memory = gpu.device.limits.maxComputeWorkgroupStorageSize;
  return tiles.filter((tile) => workgroupBytes(tile, unit, gpu) <= memory).map((tile) => planOf(tile, unit, gpu));
}

/** Tiles of both operands with their padding, and a block of each team. */
function workgroupBytes({ tokens, rows, cols, teams }: Tile, unit: MatrixUnit, gpu: Gpu): number {
  const [down, across, deep] = teams;
  const blocks = down * across * deep * unit.tokens * unit.rows * 4;
  return (tokens + rows) * (cols + 8) * operandBytes(unit, gpu) + blocks;
}

function planOf({ tokens, rows, cols, teams }: Tile, unit: MatrixUnit, gpu: Gpu): RowsPlan {
  const [DOWN, ACROSS, DEEP] = teams;
  const { name, defines } = unitText(unit, gpu);
  return {
    tokens,
    rows,
    size: `${tokens}x${rows}x${cols}-${name}`,
    defines: { ...defines, TILE_TOKENS: tokens, TILE_ROWS: rows, TILE_COLS: cols, DOWN, ACROSS, DEEP },
  };
}
