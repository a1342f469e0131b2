/** Runs a recorded program: dispatches its ops in order, and gives back the memory of values that nobody reads any more. */
import type { Resource } from '../../gpu/recorder.ts';
import type { ProgramResult } from '../ops.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import type { Run } from './fusion.ts';
import { lastReads } from './lifetimes.ts';

/** What else an op takes, for partial sums and the like, is given back behind it. */
export function execute(ctx: WebGPUContext, runs: readonly Run[], results: ProgramResult): void {
  const dying = lastReads(runs, results);
  const outside = ctx.memory.liveResources();
  /** An op of somebody's own may give back its input, so several values may lie in the same memory. */
  const holders = new Map<Resource, number>();
  runs.forEach(({ run, output }, i) => {
    const made = ctx.memory.scope(run);
    output.become(made);
    const memory = made.storage as Resource;
    holders.set(memory, (holders.get(memory) ?? 0) + 1);
    for (const value of dying[i]) {
      const held = value.storage as Resource;
      const left = (holders.get(held) ?? 0) - 1;
      holders.set(held, left);
      if (left === 0 && !outside.has(held)) ctx.memory.release(held);
    }
  });
}
