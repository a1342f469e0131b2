/** Steps that nobody asked for, so that the first request does not wait for pipelines to be compiled. */
import type { KVCacheSpec } from '../kernels/ops.ts';
import { defaultSamplingParams } from './types.ts';
import type { ModelRunner } from './model-runner.ts';
import { Request } from './request.ts';
import type { ScheduledRequest } from './scheduler-output.ts';

/** Requests × tokens of each: one decode, a few at once, and a piece of a prompt. */
const shapes = [
  [1, 1],
  [2, 1],
  [8, 1],
  [1, 64],
] as const;

/** What it writes into the KV cache belongs to no request: slots are overwritten before they are read. */
export async function warmUp(runner: ModelRunner, kv: KVCacheSpec, batchMaxTokens: number): Promise<void> {
  for (const [rows, length] of shapes) {
    if (rows > kv.maxRequests || rows * length > Math.min(kv.slots, batchMaxTokens) || length > kv.maxLength) continue;
    const scheduled = Array.from({ length: rows }, (_, row) => greedyChunk(row, length));
    const numTokens = rows * length;
    const rest = { numDecodeTokens: 0, admitted: [], paused: [], expired: [] };
    await runner.launch({ scheduled, numTokens, ...rest });
  }
}

function greedyChunk(row: number, length: number): ScheduledRequest {
  const tokenIds = new Array<number>(length).fill(0);
  const params = { ...defaultSamplingParams, temperature: 0 };
  return {
    request: new Request({ id: `warm-up ${row}`, promptIds: tokenIds, params, seed: 0 }, length + 1),
    row,
    tokenIds,
    start: 0,
    slots: tokenIds.map((_, i) => row * length + i),
    cachedSlots: [],
    isNewInRow: true,
    samples: true,
    outputIndex: 0,
  };
}
