/**
 * Causal attention over token slots on real GPUs: `softmax(q·k · scale)·v` for each token over its row's slots
 * 0 … position (or the last `slidingWindow` of them), f32 throughout, keys and values in any KVDtype.
 *
 * Shapes: `q [T, Hq·D]` f32 → `[T, Hq·Dv]` f32, Dv = D but for latents (head-shape.ts). Dispatch (attention.flash.wgsl): a workgroup of 128 owns up to ROWS query
 * rows, tokens × heads of one key-value head, and one split of their context; a step too small to fill the GPU is split
 * over the context and joined by attention.combine.wgsl. Limits: D and Dv multiples of 4, Dv at most 512,
 * and a row of queries in the workgroup's memory (D up to 3,700 of 16 kB).
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
/** Positions of a block, and the least that a split is worth. */
const BLOCK = CONTEXT_BLOCK;
/** Workgroups that keep a large GPU busy. */
const BUSY = 256;
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
  if (keyDim % 4 !== 0 || valueDim % 4 !== 0 || valueDim > 4 * BLOCK) {
    const why = `head_dim ${keyDim}, of values ${valueDim}: multiples of 4 are needed, of values up to 512`;
    throw new EngineError('unsupported_model', why, { param: 'head_dim' });
  }
  const group = spec.heads / kvHeads;
  const { prefillTiles, decodeTokens } = step.storage;
  const most = rowLimit(ctx, keyDim);
  const tiles = dealRows(group, ATTENTION_TILE, most);
  const singles = dealRows(group, 1, most);
  const splits = splitsFor(step, kvHeads, tiles, singles);
  const y = ctx.tensor([step.numTokens, spec.heads * valueDim], 'f32');
  const out = splits === 1 ? y : ctx.tensor([step.numTokens, spec.heads, splits, valueDim + 2], 'f32');
  dispatchList(ctx, q, layer, step, spec, { list: prefillTiles, stride: 2, deal: tiles, splits, out });
  dispatchList(ctx, q, layer, step, spec, { list: decodeTokens, stride: 1, deal: singles, splits, out });
  if (splits > 1) {
    const combine = ctx.pipelines.get('attention.combine', () => compose('attention.combine.wgsl', import.meta.url));
    const params = new Uint32Array([valueDim, splits]);
    ctx.recorder.does(() => moves([out, y], 3));
    ctx.recorder.dispatch(combine, [out.storage, y.storage], params, spec.heads, step.numTokens);
  }
  return y;
}

/** Rows whose queries, weights and statistics fit the workgroup memory beside the rest. */
function rowLimit(ctx: WebGPUContext, keyDim: number): number {
  const available = ctx.gpu.device.limits.maxComputeWorkgroupStorageSize - 2 * BLOCK * 4;
  let rows = MAX_ROWS;
  while (rows > 1 && rows * (keyDim + BLOCK + 3) * 4 > available) rows /= 2;
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

/** Splits of the context that give BUSY workgroups, each with at least one block. */
function splitsFor({ storage }: GpuStep, kvHeads: number, tiles: Rows, singles: Rows): number {
  const { prefillTiles, decodeTokens, maxContext } = storage;
  const tileWorkgroups = ((prefillTiles.count * ATTENTION_TILE) / tiles.tileTokens) * tiles.headBlocks;
  const workgroups = kvHeads * (tileWorkgroups + decodeTokens.count * singles.headBlocks);
  return Math.max(1, Math.min(Math.ceil(maxContext / BLOCK), Math.floor(BUSY / workgroups)));
}

interface Dispatch {
  readonly list: StepList;
  /** Words of a list entry: (first token, count) or the token alone. */
  readonly stride: 1 | 2;
  readonly deal: Rows;
  readonly splits: number;
  readonly out: GpuTensor;
}

function dispatchList(
  ctx: WebGPUContext,
  q: Tensor,
  layer: GpuCacheLayer,
  step: GpuStep,
  spec: AttentionSpec,
  { list, stride, deal, splits, out }: Dispatch,
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
    splits,
    spec.slidingWindow ?? NO_WINDOW,
    floatBits(spec.scale),
    floatBits(spec.softcap ?? 0),
    shape.keyDim / 4,
    floatBits(spec.alibi ?? 0),
  ]);
  ctx.recorder.does(() => attentionWork(step, layer, spec, stride === 1 ? 'decode' : 'prefill'));
  ctx.recorder.dispatch(
    kernelFor(ctx, layer.dtype, deal.rows, shape, spec.sinks !== undefined),
    [bufferOf(q), keys, values, buffer, slotTable, out.storage, ...(spec.sinks ? [bufferOf(spec.sinks)] : [])],
    params,
    list.count * subTiles,
    shape.kvHeads * deal.headBlocks,
    splits,
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
