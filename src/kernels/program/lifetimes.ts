/** How long the values of a program live: from the op that makes them to the last that reads them. */
import { sizeClass } from '../../gpu/buffer-pool.ts';
import type { ProgramResult } from '../ops.ts';
import { bytesOf } from '../webgpu-context.ts';
import type { Recording, Value } from './recording.ts';

/** What of a node, or of several that run as one, lifetimes depend on. */
interface Reader {
  readonly inputs: readonly Value[];
  readonly output: Value;
}

/** For each of the runs the values that nobody reads behind it. The program's results live on. */
export function lastReads(runs: readonly Reader[], results: ProgramResult): readonly (readonly Value[])[] {
  const seen = new Set<unknown>(Object.values(results));
  return runs
    .toReversed()
    .map(({ inputs, output }) =>
      [output, ...inputs].filter((value) => {
        const isLast = !seen.has(value);
        seen.add(value);
        return isLast;
      }),
    )
    .reverse();
}

/**
 * Bytes that a pool (gpu/buffer-pool.ts) comes to hold when the program runs op by op, and behind it something takes
 * buffers of the sizes `behind`.
 */
export function pooledBytes({ nodes, results }: Recording, behind: readonly number[] = []): number {
  const free = new Map<number, number>();
  let total = 0;
  const count = (bytes: number, change: number) => free.set(bytes, (free.get(bytes) ?? 0) + change);
  const take = (bytes: number): void => {
    const size = sizeClass(bytes);
    if ((free.get(size) ?? 0) > 0) count(size, -1);
    else total += size;
  };
  const bytesOfValue = ({ shape, dtype }: Value): number => bytesOf(shape, dtype);
  const dying = lastReads(nodes, results);
  nodes.forEach(({ output }, i) => {
    take(bytesOfValue(output));
    for (const value of dying[i]) count(sizeClass(bytesOfValue(value)), 1);
  });
  behind.forEach(take);
  return total;
}
