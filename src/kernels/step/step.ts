/**
 * A StepBatch on the device: one u32 buffer written once a step, read by every kernel that needs to know tokens,
 * positions, table rows or slots. Sections, in u32: tokenIds [T] at 0, positions [T] at T, tableRows [T] at 2T, slots [T] at 3T,
 * logitIndices [L] at 4T, promptIndices [P] behind them, then the two lists of attention work, the adapters' slots [T], if
 * there are any, and the runs of layers with states, eight words each (state-run.wgsl).
 */
import type { StateRun, Step, StepBatch } from '../ops.ts';
import type { GpuKVCache } from '../kv-cache/kv-cache.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';

/** Query tokens of one row that a prefill attention workgroup handles together. */
export const ATTENTION_TILE = 8;

/**
 * Launchers see contexts in whole blocks of so many positions: those of two steps with the same blocks and counts make the
 * same dispatches.
 */
export const CONTEXT_BLOCK = 128;

/** Entries of a list inside the step buffer: where it begins, in u32, and how many there are. */
export interface StepList {
  readonly offset: number;
  readonly count: number;
}

/** What the kernels of a layer read. */
export interface StepGroup {
  readonly buffer: GPUBuffer;
  readonly slotTable: GPUBuffer;
}

export interface GpuStep extends Step {
  readonly storage: {
    readonly buffer: GPUBuffer;
    /** For each slot group: the same with that group's slots, and its slot table. */
    readonly groups: readonly StepGroup[];
    readonly kv: GpuKVCache;
    /** [T, rotaryDim]; null where rows of the rotary table are taken. */
    readonly rotaryRows: GpuTensor | null;
    readonly promptRows: StepList;
    /** (first token, count) of runs of 2 … ATTENTION_TILE consecutive tokens of one row. */
    readonly prefillTiles: StepList;
    /** Tokens that are alone in their row, or left over from its tiles. */
    readonly decodeTokens: StepList;
    /** StepBatch.adapters; none where no token has one. */
    readonly adapters: StepList;
    /** Tokens of one row, for ops with a state: see StateRun. */
    readonly stateRuns: StepList;
    /** Longest context in the batch, rounded up to whole CONTEXT_BLOCKs. */
    readonly maxContext: number;
  };
}

const none = new Uint32Array(0);

export function uploadStep(ctx: WebGPUContext, batch: StepBatch, kv: GpuKVCache): GpuStep {
  const { tokenIds, positions, tableRows, slots, logitIndices, promptIndices = none, adapters = none } = batch;
  const tokens = tokenIds.length;
  const { tiles, singles } = attentionWork(tableRows);
  const runs = runWords(batch.stateRuns ?? []);
  const groups = kv.storage.slotTables.map((slotTable, i) => {
    const data = joined([
      tokenIds,
      positions,
      tableRows,
      slots[i],
      logitIndices,
      promptIndices,
      tiles,
      singles,
      adapters,
      runs,
    ]);
    const { storage: buffer } = ctx.tensor([data.length], 'u32');
    ctx.gpu.device.queue.writeBuffer(buffer, 0, data);
    return { buffer, slotTable };
  });
  const prompt = 4 * tokens + logitIndices.length;
  const work = prompt + promptIndices.length;
  return {
    numTokens: tokens,
    numLogits: logitIndices.length,
    batch,
    storage: {
      buffer: groups[0].buffer,
      groups,
      kv,
      rotaryRows: batch.rotaryRows ? uploadRows(ctx, batch.rotaryRows) : null,
      promptRows: { offset: prompt, count: promptIndices.length },
      prefillTiles: { offset: work, count: tiles.length / 2 },
      decodeTokens: { offset: work + tiles.length, count: singles.length },
      adapters: { offset: work + tiles.length + singles.length, count: adapters.length },
      stateRuns: {
        offset: work + tiles.length + singles.length + adapters.length,
        count: runs.length / RUN_WORDS,
      },
      maxContext: Math.ceil((positions.reduce((m, p) => Math.max(m, p), 0) + 1) / CONTEXT_BLOCK) * CONTEXT_BLOCK,
    },
  };
}

function uploadRows(ctx: WebGPUContext, rows: Float32Array): GpuTensor {
  const tensor = ctx.tensor([rows.length], 'f32');
  ctx.gpu.device.queue.writeBuffer(tensor.storage, 0, rows.buffer, rows.byteOffset, rows.byteLength);
  return tensor;
}

function joined(parts: readonly Uint32Array[]): Uint32Array<ArrayBuffer> {
  const data = new Uint32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return data;
}

const RUN_WORDS = 8;
const NO_ROW = 0xffff_ffff;

/** As state-run.wgsl reads them. */
function runWords(runs: readonly StateRun[]): Uint32Array {
  return Uint32Array.from(
    runs.flatMap(({ first, count, before, behind, keeps: [a, b] }) => [
      ...[first, count, before ?? NO_ROW, behind],
      ...[a, b].flatMap((keep) => [keep?.after ?? 0, keep?.row ?? NO_ROW]),
    ]),
  );
}

/** Splits each run of tokens of one row into tiles; a run or rest of one token is a single. */
export function attentionWork(tableRows: Uint32Array): { tiles: Uint32Array; singles: Uint32Array } {
  const tiles: number[] = [];
  const singles: number[] = [];
  for (let t = 0; t < tableRows.length;) {
    let count = 1;
    while (count < ATTENTION_TILE && t + count < tableRows.length && tableRows[t + count] === tableRows[t]) count++;
    if (count === 1) singles.push(t);
    else tiles.push(t, count);
    t += count;
  }
  return { tiles: Uint32Array.from(tiles), singles: Uint32Array.from(singles) };
}
