/**
 * A StepBatch on the device: one u32 buffer written once a step, read by every kernel that needs to know tokens,
 * positions, table rows or slots. Sections, in u32: tokenIds [T] at 0, positions [T] at T, tableRows [T] at 2T, slots [T] at 3T,
 * logitIndices [L] at 4T, promptIndices [P] behind them, then the three lists of attention work, the adapters' slots [T], if
 * there are any, and the runs of layers with states, eight words each (state-run.wgsl).
 */
import type { StateRun, Step, StepBatch } from '../ops.ts';
import type { GpuKVCache } from '../kv-cache/kv-cache.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';

/** Query tokens of one row that a prefill attention workgroup handles together. */
export const ATTENTION_TILE = 8;

/** The same on matrix units, which take them by the dozen; rows of up to ATTENTION_TILE tokens are left to the other kernel. */
export const ATTENTION_RUN = 64;

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

/** Tokens whose attention is computed alike. */
export interface AttentionLists {
  readonly prefillTiles: StepList;
  readonly decodeTokens: StepList;
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
    /** (first token, count) of runs of 1 … ATTENTION_RUN consecutive tokens of one row, of rows with more than ATTENTION_TILE. */
    readonly attentionRuns: StepList;
    /** The others' tiles and single tokens. */
    readonly besideRuns: AttentionLists;
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
  const { tiles, singles, runs, shortTiles, shortSingles } = attentionWork(tableRows);
  const stateRuns = runWords(batch.stateRuns ?? []);
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
      runs,
      adapters,
      stateRuns,
    ]);
    const { storage: buffer } = ctx.tensor([data.length], 'u32');
    ctx.gpu.device.queue.writeBuffer(buffer, 0, data);
    return { buffer, slotTable };
  });
  const prompt = 4 * tokens + logitIndices.length;
  const work = prompt + promptIndices.length;
  const behindTiles = work + tiles.length;
  const behindSingles = behindTiles + singles.length;
  const behindRuns = behindSingles + runs.length;
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
      decodeTokens: { offset: behindTiles, count: singles.length },
      attentionRuns: { offset: behindSingles, count: runs.length / 2 },
      // Those of short rows lie behind the others.
      besideRuns: {
        prefillTiles: { offset: behindTiles - shortTiles.length, count: shortTiles.length / 2 },
        decodeTokens: { offset: behindSingles - shortSingles.length, count: shortSingles.length },
      },
      adapters: { offset: behindRuns, count: adapters.length },
      stateRuns: { offset: behindRuns + adapters.length, count: stateRuns.length / RUN_WORDS },
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

/** (first token, count) of tiles and runs, and single tokens. */
interface AttentionWork {
  /** Those of short rows last. */
  readonly tiles: Uint32Array;
  readonly singles: Uint32Array;
  /** Of the rows that are not short. */
  readonly runs: Uint32Array;
  /** Of rows of up to ATTENTION_TILE tokens: a part of `tiles`, and of `singles`. */
  readonly shortTiles: Uint32Array;
  readonly shortSingles: Uint32Array;
}

/** Splits the tokens of each row into tiles, where one may be left over, and long rows into runs as well. */
export function attentionWork(tableRows: Uint32Array): AttentionWork {
  const long = { tiles: [] as number[], singles: [] as number[] };
  const short = { tiles: [] as number[], singles: [] as number[] };
  const runs: number[] = [];
  for (let first = 0, end = 0; first < tableRows.length; first = end) {
    while (end < tableRows.length && tableRows[end] === tableRows[first]) end++;
    const isLong = end - first > ATTENTION_TILE;
    const { tiles, singles } = isLong ? long : short;
    for (const [token, count] of pieces(first, end, ATTENTION_TILE)) {
      if (count === 1) singles.push(token);
      else tiles.push(token, count);
    }
    if (isLong) runs.push(...pieces(first, end, ATTENTION_RUN).flat());
  }
  return {
    tiles: Uint32Array.from([...long.tiles, ...short.tiles]),
    singles: Uint32Array.from([...long.singles, ...short.singles]),
    runs: Uint32Array.from(runs),
    shortTiles: Uint32Array.from(short.tiles),
    shortSingles: Uint32Array.from(short.singles),
  };
}

/** (first, count) of pieces of at most so many. */
function pieces(first: number, end: number, most: number): [number, number][] {
  return Array.from({ length: Math.ceil((end - first) / most) }, (_, i) => {
    const begin = first + i * most;
    return [begin, Math.min(most, end - begin)];
  });
}
