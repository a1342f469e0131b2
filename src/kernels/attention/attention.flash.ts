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
import { compose } from '../../gpu/wgsl.ts';
import { EngineError } from '../../errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GpuCacheLayer } from '../kv-cache/kv-cache.ts';
import type { AttentionSpec } from '../ops.ts';
import { ATTENTION_TILE, CONTEXT_BLOCK, type GpuStep, type StepList } from '../step/step.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';
import { attentionKernel } from './attention-kernel.ts';
import { attentionWork, type AttentionPart } from './attention-work.ts';
import { headShape, type HeadShape } from './head-shape.ts';
import { dealQueryRows, NO_WINDOW, queryParams, queryResources, type QueryRows } from './query-rows.ts';

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

/** @param rows of the step: all, or those that are no runs (step.ts) */
export function flashAttention(
  ctx: WebGPUContext,
  q: Tensor,
  layer: GpuCacheLayer,
  step: GpuStep,
  spec: AttentionSpec,
  rows: 'all' | 'short' = 'all',
): GpuTensor {
  const shape = headShape(layer);
  const { keyDim, valueDim, kvHeads } = shape;
  if (keyDim % 4 !== 0 || valueDim % 4 !== 0 || valueDim > 512) {
    const why = `head_dim ${keyDim}, of values ${valueDim}: multiples of 4 are needed, of values up to 512`;
    throw new EngineError('unsupported_model', why, { param: 'head_dim' });
  }
  const group = spec.heads / kvHeads;
  const most = rowLimit(ctx, keyDim);
  const { prefillTiles, decodeTokens } = rows === 'all' ? step.storage : step.storage.besideRuns;
  const y = ctx.tensor([step.numTokens, spec.heads * valueDim], 'f32');
  const attend = (list: Tokens): void => attendList(ctx, q, layer, step, spec, list, y);
  attend({
    ...{ part: rows === 'all' ? 'prefill' : 'short prefill', list: prefillTiles, stride: 2, each: ATTENTION_TILE },
    deal: dealQueryRows(group, ATTENTION_TILE, most),
  });
  attend({
    ...{ part: rows === 'all' ? 'decode' : 'short decode', list: decodeTokens, stride: 1, each: 1 },
    deal: dealQueryRows(group, 1, most),
  });
  return y;
}

/** Tokens that are computed alike. */
interface Tokens {
  readonly part: AttentionPart;
  readonly list: StepList;
  /** Words of a list entry: (first token, count) or the token alone. */
  readonly stride: 1 | 2;
  /** Tokens of an entry, at most. */
  readonly each: number;
  readonly deal: QueryRows;
}

/** Rows whose queries, weights and statistics fit the workgroup memory beside the rest (attention.flash.wgsl). */
function rowLimit(ctx: WebGPUContext, keyDim: number): number {
  const words = (rows: number): number =>
    rows * (keyDim + SEGMENT + 16 + 11) + 4 * Math.min(rows, 4) * (SEGMENT + 1) + SEGMENT;
  let rows = MAX_ROWS;
  while (rows > 1 && words(rows) * 4 > ctx.gpu.device.limits.maxComputeWorkgroupStorageSize) rows /= 2;
  return rows;
}

/** How contexts are split: among so many workgroups, which store a part for each of so many segments at most. */
interface Split {
  readonly splits: number;
  readonly parts: number;
}

/** What gives BUSY workgroups, each with at least one segment; null where they are that many without. */
function splitOf(
  { storage: { maxContext } }: GpuStep,
  { heads, slidingWindow = Infinity }: AttentionSpec,
  { kvHeads, valueDim }: HeadShape,
  { list, each, deal }: Tokens,
): Split | null {
  const workgroups = kvHeads * ((list.count * each) / deal.tileTokens) * deal.headBlocks;
  // A window may begin in the middle of a segment.
  const parts = Math.min(maxContext / SEGMENT, Math.ceil(slidingWindow / SEGMENT) + 1);
  const splits = Math.min(parts, Math.floor(BUSY / workgroups));
  const bytes = list.count * each * heads * parts * (valueDim + 2) * 4;
  return splits < 2 || parts <= FEW_SEGMENTS || bytes > MOST_PARTS ? null : { splits, parts };
}

/** Into y. */
function attendList(
  ctx: WebGPUContext,
  q: Tensor,
  layer: GpuCacheLayer,
  step: GpuStep,
  spec: AttentionSpec,
  tokens: Tokens,
  y: GpuTensor,
): void {
  const { part, list, stride, each, deal } = tokens;
  if (list.count === 0) return;
  const shape = headShape(layer);
  const { heads } = spec;
  const split = splitOf(step, spec, shape, tokens);
  const out = split ? ctx.tensor([list.count * each, heads, split.parts, shape.valueDim + 2], 'f32') : y;
  const subTiles = each / deal.tileTokens;
  ctx.recorder.does(() => attentionWork(step, layer, spec, part));
  ctx.recorder.dispatch(
    attentionKernel(ctx, 'flash', layer, spec, { sizes: `${deal.rows}`, defines: { ROWS: deal.rows } }),
    queryResources(q, layer, step, spec, out),
    queryParams(layer, step, spec, { list, stride, subTiles, deal, split }),
    list.count * subTiles,
    shape.kvHeads * deal.headBlocks,
    split?.splits ?? 1,
  );
  if (!split) return;
  const combine = ctx.pipelines.get('attention.combine', () => compose('attention.combine.wgsl', import.meta.url));
  const window = spec.slidingWindow ?? NO_WINDOW;
  const params = [step.numTokens, heads, shape.valueDim, split.parts, window, list.offset, stride, each];
  ctx.recorder.does(() => moves([out], 3));
  const resources = [out.storage, step.storage.buffer, y.storage];
  ctx.recorder.dispatch(combine, resources, new Uint32Array(params), heads, list.count * each);
}
