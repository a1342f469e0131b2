/** The memory plan as `serve`, `inspect` and `doctor` print it. */
import type { MemoryPlan } from '../engine/core/types.ts';
import type { EnginePlan } from '../engine/running/plan-engine.ts';
import { formatBytes } from './format-bytes.ts';

interface PlannedMemory {
  /** KV slots. */
  readonly maxTotalTokenNum: number;
  /** Longest context of a request. */
  readonly maxModelLen: number;
  /** Absent where no device is behind the engine. */
  readonly memory?: MemoryPlan;
}

export function memoryLine({ maxTotalTokenNum, maxModelLen, memory }: PlannedMemory): string {
  const cache = `${maxTotalTokenNum} tokens, ${maxModelLen} at most in one request`;
  if (!memory) return `KV cache of ${cache}`;
  const [weights, kvCache, step] = [memory.weights, memory.kvCache, memory.step].map(formatBytes);
  const adapters = memory.adapters === undefined ? '' : `, room for adapters ${formatBytes(memory.adapters)}`;
  return `weights ${weights}, KV cache ${kvCache} in ${memory.kvDtype} (${cache}), a step up to ${step}${adapters}`;
}

export function planLine({ maxTotalTokenNum, kv, memory }: EnginePlan): string {
  return memoryLine({ maxTotalTokenNum, maxModelLen: kv.maxLength, memory });
}
