/** How query rows, tokens × heads of one key-value head, are dealt to workgroups, and what query-rows.wgsl is told of it. */
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import { headBuffers, type GpuCacheLayer } from '../kv-cache/kv-cache.ts';
import type { AttentionSpec } from '../ops.ts';
import type { GpuStep, StepList } from '../step/step.ts';
import { bufferOf, type GpuTensor } from '../webgpu-context.ts';
import { headShape } from './head-shape.ts';

/** For a layer without a window. */
export const NO_WINDOW = 0x7fffffff;

export interface QueryRows {
  readonly tileTokens: number;
  /** Heads of one key-value head that a workgroup takes, and how many such blocks there are. */
  readonly headRows: number;
  readonly headBlocks: number;
  /** Power of two ≥ tileTokens · headRows. */
  readonly rows: number;
}

/** All heads of the group if they fit, then as many tokens (a power of two) as fit beside them. */
export function dealQueryRows(group: number, tokens: number, most: number): QueryRows {
  const headRows = Math.min(group, most);
  let tileTokens = tokens;
  while (tileTokens > 1 && tileTokens * headRows > most) tileTokens /= 2;
  const rows = 2 ** Math.ceil(Math.log2(tileTokens * headRows));
  return { tileTokens, headRows, headBlocks: Math.ceil(group / headRows), rows };
}

/** A list of a step's tokens, and how it is shared out. */
interface QueryList {
  readonly list: StepList;
  /** Words of a list entry: (first token, count) or the token alone. */
  readonly stride: 1 | 2;
  /** Workgroups of an entry, along its tokens. */
  readonly subTiles: number;
  readonly deal: QueryRows;
  /** See attention.flash.ts. */
  readonly split: { readonly splits: number; readonly parts: number } | null;
}

/** Params of query-rows.wgsl. */
export function queryParams(
  layer: GpuCacheLayer,
  { numTokens, storage: { kv } }: GpuStep,
  spec: AttentionSpec,
  { list, stride, subTiles, deal, split }: QueryList,
): Uint32Array<ArrayBuffer> {
  return new Uint32Array([
    ...[numTokens, list.offset, stride, subTiles, deal.tileTokens],
    ...[spec.heads, headShape(layer).kvHeads, deal.headRows, deal.headBlocks],
    ...[kv.spec.maxLength, split?.splits ?? 1, split?.parts ?? 1],
    ...[
      spec.slidingWindow ?? NO_WINDOW,
      floatBits(spec.scale),
      floatBits(spec.softcap ?? 0),
      floatBits(spec.alibi ?? 0),
    ],
  ]);
}

/** Bindings of query-rows.wgsl, and of sinks.wgsl. */
export function queryResources(
  q: Tensor,
  layer: GpuCacheLayer,
  { storage: { groups } }: GpuStep,
  { sinks }: AttentionSpec,
  out: GpuTensor,
): GPUBuffer[] {
  const { keys, values } = headBuffers(layer);
  const { buffer, slotTable } = groups[layer.group];
  return [bufferOf(q), keys, values, buffer, slotTable, out.storage, ...(sinks ? [bufferOf(sinks)] : [])];
}
