/**
 * attention.flash.ts's op for the long rows of a step (step.ts, attentionRuns), by matrix units: the same formula with queries,
 * keys, values and weights rounded to the units' operands, f16 on most; scores, softmax and sums are f32.
 *
 * Dispatch (attention.matrix.wgsl): a workgroup of four subgroups owns up to TILE_ROWS query rows and all of their context.
 * Limits: D and Dv multiples of 4, and a tile of queries and one of keys in workgroup memory: heads of up to 128 in 32 kB, of 256 in
 * 48 kB, latents not.
 * Source: FlashAttention-2 (arXiv 2307.08691); sums that are scaled only where the largest score grows by a lot:
 * FlashAttention-4's.
 */
import type { MatrixUnit } from '../../gpu/matrix-unit.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuCacheLayer } from '../kv-cache/kv-cache.ts';
import { operandBytes, unitOf, unitText } from '../matmul/matrix-unit.ts';
import { BUSY } from '../matmul/rows-plan.ts';
import type { AttentionSpec } from '../ops.ts';
import { ATTENTION_RUN, type GpuStep } from '../step/step.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { attentionKernel } from './attention-kernel.ts';
import { attentionWork } from './attention-work.ts';
import { headShape, type HeadShape } from './head-shape.ts';
import { dealQueryRows, queryParams, queryResources } from './query-rows.ts';

/** Query rows of a workgroup, and the keys that it has at a time. */
interface Tile {
  readonly rows: number;
  readonly keys: number;
}

/** From large to small: a larger one reads keys and values less often, a smaller one fits more heads and makes more workgroups. */
const tiles: readonly Tile[] = [
  { rows: 64, keys: 64 },
  { rows: 64, keys: 32 },
  { rows: 32, keys: 32 },
  { rows: 16, keys: 32 },
];

/** As in the text: teams, subgroups, along the rows, and along keys or dimensions. */
const DOWN = 2;
const ACROSS = 2;
/** The teams' sums stay in registers: so many dimensions of values. */
const MOST_VALUE_DIM = 256;
const upTo = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/** Bytes of workgroup memory. */
function tileBytes({ rows, keys }: Tile, { keyDim, valueDim }: HeadShape, unit: MatrixUnit, operand: 2 | 4): number {
  const keyCols = upTo(keyDim, unit.cols);
  const headStride = Math.max(keyCols, upTo(valueDim, ACROSS * unit.rows)) + 8;
  const operands = rows * (keyCols + 8 + keys + 8) + keys * headStride;
  // Scores; a row's statistics and what is known of it; a float of each invocation; a flag.
  return operands * operand + rows * (keys + 4) * 4 + rows * (3 + 5) * 4 + DOWN * ACROSS * unit.lanes * 4 + 16;
}

/** Those that such heads and the adapter's units and memory allow, from large to small; none: there is another kernel for it. */
export function attentionTiles({ gpu }: WebGPUContext, shape: HeadShape): Tile[] {
  const unit = unitOf(gpu);
  const operand = operandBytes(unit, gpu);
  const memory = gpu.device.limits.maxComputeWorkgroupStorageSize;
  if (shape.keyDim % 4 !== 0 || shape.valueDim % 4 !== 0 || shape.valueDim > MOST_VALUE_DIM) return [];
  return tiles.filter((tile) => {
    const isWhole = tile.rows % (DOWN * unit.tokens) === 0 && tile.keys % (ACROSS * unit.rows) === 0;
    return isWhole && tileBytes(tile, shape, unit, operand) <= memory;
  });
}

/** Into y [T, Hq·Dv], of the tokens of the runs. @param own of attentionTiles: at least one */
export function matrixAttention(
  ctx: WebGPUContext,
  own: readonly Tile[],
  q: Tensor,
  layer: GpuCacheLayer,
  step: GpuStep,
  spec: AttentionSpec,
  y: GpuTensor,
): void {
  const shape = headShape(layer);
  const list = step.storage.attentionRuns;
  const gridOf = ({ rows }: Tile) => {
    const deal = dealQueryRows(spec.heads / shape.kvHeads, ATTENTION_RUN, rows);
    return { deal, subTiles: ATTENTION_RUN / deal.tileTokens, heads: shape.kvHeads * deal.headBlocks };
  };
  const isBusy = (tile: Tile): boolean => {
    const { subTiles, heads } = gridOf(tile);
    return list.count * subTiles * heads >= BUSY;
  };
  const tile = own.find(isBusy) ?? own[own.length - 1];
  const { deal, subTiles, heads } = gridOf(tile);
  const unit = unitText(unitOf(ctx.gpu), ctx.gpu);
  const { rows: TILE_ROWS, keys: TILE_KEYS } = tile;
  const defines = { ...unit.defines, TILE_ROWS, TILE_KEYS };
  ctx.recorder.does(() => attentionWork(step, layer, spec, 'runs'));
  ctx.recorder.dispatch(
    attentionKernel(ctx, 'matrix', layer, spec, { sizes: `${TILE_ROWS}x${TILE_KEYS}`, unit: unit.name, defines }),
    queryResources(q, layer, step, spec, y),
    queryParams(layer, step, spec, { list, stride: 2, subTiles, deal, split: null }),
    list.count * subTiles,
    heads,
  );
}
