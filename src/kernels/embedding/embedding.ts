/**
 * Embedding lookup: `x[t] = scale · table[id(t)]`, dequantized, where an id with bit 31 set is the last token sampled for a
 * row (StepBatch.tokenIds); by position it is `table[position(t)]`.
 *
 * Shapes: ids `[T]` in the step, `table [V, H]` in any weight format → `x [T, H]` f32. Dispatch: a workgroup owns 64
 * columns of one token (lane layout), or an invocation owns 8 (row layout). Ids outside the table leave their row unset; the server checks them.
 */
import type { Work } from '../../gpu/profiler.ts';
import { compose } from '../../gpu/wgsl.ts';
import { matrixBytes } from '../../tensor/matrix.ts';
import { BLOCK_ROWS } from '../matmul/lane-layout.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import { weightIncludes } from '../matmul/row-includes.ts';
import type { RowMatrix } from '../matmul/row-matrix.ts';
import { floatBits } from '../float-bits.ts';
import type { EmbeddingOption, Matrix, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

/** FORMAT override of the kernels. */
const formatCode = { f32: 0, f16: 1, bf16: 2, int8: 3, int4: 4 } as const;

export function embedding(
  ctx: WebGPUContext,
  step: Step,
  table: Matrix,
  { scale = 1, by = 'ids' }: EmbeddingOption = {},
): GpuTensor {
  const x = ctx.tensor([step.numTokens, table.cols], 'f32');
  const how = { at: by === 'ids' ? 0 : step.numTokens, scale: floatBits(scale) };
  launchers[ctx.variant('embedding')](ctx, step as GpuStep, table, how, x);
  return x;
}

const launchers = { 'embedding.lavapipe': fromLanes, 'embedding.rows': fromRows };

/** The section of the step that holds the indices, and the factor's bits. */
interface Lookup {
  readonly at: number;
  readonly scale: number;
}

function fromLanes(ctx: WebGPUContext, step: GpuStep, table: Matrix, { at, scale }: Lookup, x: GpuTensor): void {
  const { layout, slices } = table.storage as LaneMatrix;
  const { format, groupSize, units, texelsPerUnit, colBlocks } = layout;
  const scaleTexels = groupSize ? 32 / groupSize : 0;
  const kernel = ctx.pipelines.get('embedding.lavapipe', () => compose('embedding.lavapipe.wgsl', import.meta.url), {
    FORMAT: formatCode[format],
    GROUP: groupSize || 64,
    UNITS: units,
    TEXELS: texelsPerUnit,
    SCALES: texelsPerUnit - scaleTexels,
  });
  const { buffer, kv } = step.storage;
  for (const { firstRow, rowBlocks, view } of slices) {
    const rows = Math.min(rowBlocks * BLOCK_ROWS, table.rows - firstRow);
    const params = new Uint32Array([at, table.cols, colBlocks, firstRow, rows, scale]);
    const resources = [view, buffer, kv.storage.lastTokens, x.storage];
    ctx.recorder.does(() => lookupWork(table, groupSize, x, slices.length));
    ctx.recorder.dispatch(kernel, resources, params, colBlocks, step.numTokens);
  }
}

function fromRows(ctx: WebGPUContext, step: GpuStep, table: Matrix, { at, scale }: Lookup, x: GpuTensor): void {
  const matrix = table.storage as RowMatrix;
  const { format, groupSize, chunksPerRow, slices } = matrix;
  const kernel = ctx.pipelines.get(`embedding.rows.${format}-${groupSize}`, () =>
    compose('embedding.rows.wgsl', import.meta.url, weightIncludes(matrix)),
  );
  const { buffer, kv } = step.storage;
  for (const { firstRow, rows, data, scales } of slices) {
    const params = new Uint32Array([at, table.cols, chunksPerRow, firstRow, rows, scale]);
    const resources = [data, scales, buffer, kv.storage.lastTokens, x.storage];
    ctx.recorder.does(() => lookupWork(table, groupSize, x, slices.length));
    ctx.recorder.dispatch(kernel, resources, params, Math.ceil(chunksPerRow / 64), step.numTokens);
  }
}

/** Of one of the dispatches that look into a part of the table each. */
function lookupWork({ cols, format }: Matrix, groupSize: number, x: GpuTensor, parts: number): Work {
  const [tokens] = x.shape;
  const { bytes } = moves([x], 0);
  return {
    bytes: (bytes + matrixBytes({ rows: tokens, cols, format, groupSize })) / parts,
    flops: (tokens * cols) / parts,
  };
}
