/**
 * Causal attention over token slots on real GPUs: `softmax(q·k · scale)·v` for each token over its row's slots
 * 0 … position (or the last `slidingWindow` of them), f32 throughout, keys and values in any KVDtype.
 *
 * Shapes: `q [T, Hq·D]` f32 → `[T, Hq·Dv]` f32, Dv = D but for latents (head-shape.ts). Dispatch (attention.flash.wgsl): a workgroup of 128 owns up to ROWS query
 * rows, tokens × heads of one key-value head, and all of their context or some of its segments, 128 positions each; a step too
 * small to fill the GPU is split over the context and joined by attention.combine.wgsl, with the same bits. Limits: D and Dv multiples of 4, Dv at most 512,
 * and a row of queries in the workgroup's memory (D up to 2,800 of 16 kB).
 * Source: FlashAttention (arXiv 2205.14135), Flash-Decoding, grouped queries (arXiv 2305.13245).
 */
import type { Kernel } from '../../gpu/pipelines.ts';
import { compose } from '../../gpu/wgsl.ts';
import { EngineError } from '../../errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import { cacheFormat } from '../kv-cache/cache-format.ts';
import { headBuffers, type GpuCacheLayer } from '../kv-cache/kv-cache.ts';
import type { AttentionSpec, KVDtype } from '../ops.ts';
import { ATTENTION_TILE, CONTEXT_BLOCK, type GpuStep, type StepList } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';
import { attentionWork } from './attention-work.ts';
import { headShape, type HeadShape } from './head-shape.ts';

/** Query rows of a workgroup at most: registers for their sums. */
const MAX_ROWS = 16;
/** Positions that are weighed together: what of a context is split off has whole ones, counted from position 0. */
const SEGMENT = CONTEXT_BLOCK;
/** Workgroups that keep a large GPU busy (about four for each of 132 multiprocessors). By reasoning: not yet measured. */
const BUSY = 512;
/** Contexts of so few segments are not split: one more dispatch takes as long. By reasoning: not yet measured. */
const FEW_SEGMENTS = 2;
/** Bytes that the segments' sums may take; larger steps are not split. */
const MOST_PARTS = 64 * 2 ** 20;
const NO_WINDOW = 0x7fffffff;

/** How the query rows of one list are dealt to workgroups. */
interface Rows {
  readonly tileTokens: number;
  /** Heads of one key-value head that a workgroup takes, and how many such blocks there are. */
  readonly headRows: number;
  readonly headBlocks: number;
  /** Power of two ≥ tileTokens · headRows. */
  readonly rows: number;
}

export function flashAttention(
  ctx: WebGPUContext,
  q: Tensor,
  layer: GpuCacheLayer,
  step: GpuStep,
  spec: AttentionSpec,
): GpuTensor {
  const shape = headShape(layer);
  const { keyDim, valueDim, kvHeads } = shape;
  if (keyDim % 4 !== 0 || valueDim % 4 !== 0 || valueDim > 512) {
    const why = `head_dim ${keyDim}, of values ${valueDim}: multiples of 4 are needed, of values up to 512`;
    throw new EngineError('unsupported_model', why, { param: 'head_dim' });
  }
  const group = spec.heads / kvHeads;
  const { prefillTiles, decodeTokens } = step.storage;
  const most = rowLimit(ctx, keyDim);
  const tiles = dealRows(group, ATTENTION_TILE, most);
  const singles = dealRows(group, 1, most);
  const split = splitOf(step, spec, shape, tiles, singles);
  const y = ctx.tensor([step.numTokens, spec.heads * valueDim], 'f32');
  const out = split ? ctx.tensor([step.numTokens, spec.heads, split.parts, valueDim + 2], 'f32') : y;
  dispatchList(ctx, q, layer, step, spec, { list: prefillTiles, stride: 2, deal: tiles, split, out });
  dispatchList(ctx, q, layer, step, spec, { list: decodeTokens, stride: 1, deal: singles, split, out });
  if (split) {
    const combine = ctx.pipelines.get('attention.combine', () => compose('attention.combine.wgsl', import.meta.url));
    const { buffer } = step.storage;
    const window = spec.slidingWindow ?? NO_WINDOW;
    const params = new Uint32Array([step.numTokens, spec.heads, valueDim, split.parts, window]);
    ctx.recorder.does(() => moves([out, y], 3));
    ctx.recorder.dispatch(combine, [out.storage, buffer, y.storage], params, spec.heads, step.numTokens);
  }
  return y;
}

/** Rows whose queries, weights and statistics fit the workgroup memory beside the rest (attention.flash.wgsl). */
function rowLimit(ctx: WebGPUContext, keyDim: number): number {
  const words = (rows: number): number =>
    rows * (keyDim + SEGMENT + 16 + 11) + 4 * Math.min(rows, 4) * (SEGMENT + 1) + SEGMENT;
  let rows = MAX_ROWS;
  while (rows > 1 && words(rows) * 4 > ctx.gpu.device.limits.maxComputeWorkgroupStorageSize) rows /= 2;
  return rows;
}

/** All heads of the group if they fit, then as many tokens (a power of two) as fit beside them. */
function dealRows(group: number, tokens: number, most: number): Rows {
  const headRows = Math.min(group, most);
  let tileTokens = tokens;
  while (tileTokens > 1 && tileTokens * headRows > most) tileTokens /= 2;
  const rows = 2 ** Math.ceil(Math.log2(tileTokens * headRows));
  return { tileTokens, headRows, headBlocks: Math.ceil(group / headRows), rows };
}

/** How contexts are split: among so many workgroups, which store a part for each of so many segments at most. */
interface Split {
  readonly splits: number;
  readonly parts: number;
}

/** What gives BUSY workgroups, each with at least one segment; null where they are that many without. */
function splitOf(
  step: GpuStep,
  { heads, slidingWindow = Infinity }: AttentionSpec,
  { kvHeads, valueDim }: HeadShape,
  tiles: Rows,
  singles: Rows,
): Split | null {
  const { prefillTiles, decodeTokens, maxContext } = step.storage;
  const tileWorkgroups = ((prefillTiles.count * ATTENTION_TILE) / tiles.tileTokens) * tiles.headBlocks;
  const workgroups = kvHeads * (tileWorkgroups + decodeTokens.count * singles.headBlocks);
  // A window may begin in the middle of a segment.
  const parts = Math.min(maxContext / SEGMENT, Math.ceil(slidingWindow / SEGMENT) + 1);
  const splits = Math.min(parts, Math.floor(BUSY / workgroups));
  const bytes = step.numTokens * heads * parts * (valueDim + 2) * 4;
  return splits < 2 || parts <= FEW_SEGMENTS || bytes > MOST_PARTS ? null : { splits, parts };
}

interface Dispatch {
  readonly list: StepList;
  /** Words of a list entry: (first token, count) or the token alone. */
  readonly stride: 1 | 2;
  readonly deal: Rows;
  readonly split: Split | null;
  readonly out: GpuTensor;
}

function dispatchList(
  ctx: WebGPUContext,
  q: Tensor,
  layer: GpuCacheLayer,
  step: GpuStep,
  spec: AttentionSpec,
  { list, stride, deal, split, out }: Dispatch,
): void {
  const { keys, values } = headBuffers(layer);
  const shape = headShape(layer);
  const { groups, kv } = step.storage;
  const { buffer, slotTable } = groups[layer.group];
  const subTiles = stride === 1 ? 1 : ATTENTION_TILE / deal.tileTokens;
  const params = new Uint32Array([
    step.numTokens,
    list.offset,
    stride,
    subTiles,
    deal.tileTokens,
    spec.heads,
    shape.kvHeads,
    deal.headRows,
    deal.headBlocks,
    kv.spec.maxLength,
    split?.splits ?? 1,
    split?.parts ?? 1,
    spec.slidingWindow ?? NO_WINDOW,
    floatBits(spec.scale),
    floatBits(spec.softcap ?? 0),
    floatBits(spec.alibi ?? 0),
  ]);
  ctx.recorder.does(() => attentionWork(step, layer, spec, stride === 1 ? 'decode' : 'prefill'));
  ctx.recorder.dispatch(
    kernelFor(ctx, layer.dtype, deal.rows, shape, spec.sinks !== undefined),
    [bufferOf(q), keys, values, buffer, slotTable, out.storage, ...(spec.sinks ? [bufferOf(spec.sinks)] : [])],
    params,
    list.count * subTiles,
    shape.kvHeads * deal.headBlocks,
    split?.splits ?? 1,
  );
}

function kernelFor(
  ctx: WebGPUContext,
  dtype: KVDtype,
  rows: number,
  { keyDim, valueDim }: HeadShape,
  hasSinks: boolean,
): Kernel {
  const { file, defines: cache } = cacheFormat(dtype, keyDim, 'read');
  const sinks = hasSinks ? { 'no-sinks.wgsl': 'sinks.wgsl' } : {};
  const defines = { ...cache, 'cache.f32.wgsl': file, ROWS: rows, VALUE_DIM: valueDim, ...sinks };
  const size = keyDim === valueDim ? keyDim : `${keyDim}-${valueDim}`;
  return ctx.pipelines.get(`attention.flash.${dtype}-${rows}x${size}${hasSinks ? '-sinks' : ''}`, () =>
    compose('attention.flash.wgsl', import.meta.url, defines),
  );
}
