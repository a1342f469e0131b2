/**
 * A StepBatch on the device: one u32 buffer written once a step, read by every kernel that needs to know tokens,
 * positions, rows or slots. Sections, in u32: tokenIds [T] at 0, positions [T] at T, rows [T] at 2T, slots [T] at 3T,
 * logitIndices [L] at 4T, then attention tiles (firstToken, count) at 4T + L.
 */
import type { Step, StepBatch } from '../ops.ts';
import type { GpuKVCache } from '../kv-cache/kv-cache.ts';
import type { WebGPUContext } from '../webgpu-context.ts';

/** Query tokens of one row that an attention workgroup handles together. */
export const ATTENTION_TILE = 4;

export interface GpuStep extends Step {
  readonly storage: {
    readonly buffer: GPUBuffer;
    readonly kv: GpuKVCache;
    /** Attention tiles of up to ATTENTION_TILE consecutive tokens of one row. */
    readonly tiles: number;
    /** Longest context in the batch: positions up to it are attended to. */
    readonly maxContext: number;
  };
}

export function uploadStep(ctx: WebGPUContext, batch: StepBatch, kv: GpuKVCache): GpuStep {
  const { tokenIds, positions, rows, slots, logitIndices } = batch;
  const tokens = tokenIds.length;
  const tiles = attentionTiles(rows);
  const data = new Uint32Array(4 * tokens + logitIndices.length + tiles.length);
  data.set(tokenIds, 0);
  data.set(positions, tokens);
  data.set(rows, 2 * tokens);
  data.set(slots, 3 * tokens);
  data.set(logitIndices, 4 * tokens);
  data.set(tiles, 4 * tokens + logitIndices.length);
  const { storage: buffer } = ctx.tensor([data.length], 'u32');
  ctx.gpu.device.queue.writeBuffer(buffer, 0, data);
  return {
    numTokens: tokens,
    numLogits: logitIndices.length,
    batch,
    storage: { buffer, kv, tiles: tiles.length / 2, maxContext: positions.reduce((m, p) => Math.max(m, p), 0) + 1 },
  };
}

/** (first token, count) of each run of at most ATTENTION_TILE consecutive tokens of one row. */
export function attentionTiles(rows: Uint32Array): Uint32Array {
  const tiles: number[] = [];
  for (let t = 0; t < rows.length;) {
    let count = 1;
    while (count < ATTENTION_TILE && t + count < rows.length && rows[t + count] === rows[t]) count++;
    tiles.push(t, count);
    t += count;
  }
  return Uint32Array.from(tiles);
}
