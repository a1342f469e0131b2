/**
 * The pass that makes one run of several ops where a kernel does the same as all of them. It is asked at each op of the
 * recording, and says no unless it knows everything: an op that was overridden, a value that somebody else reads too, an
 * argument or a field that the pattern does not name are all "op by op".
 */
import type { ProgramResult } from '../ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import type { ModelOp, Node, Recording, Value } from './recording.ts';

/** What is done in one go: an op, or a kernel that stands for several. */
export interface Run {
  readonly inputs: readonly Value[];
  readonly output: Value;
  readonly run: () => Tensor;
}

/** Looks at the nodes from `at` on, as they stand in the list; null where it has no kernel for them. */
export type Fusion = (ctx: WebGPUContext, nodes: readonly Node[], at: number) => Found | null;

/** A kernel that stands for several ops. */
export interface Found {
  /** How many nodes it stands for; the last one's value is what `run` makes. */
  readonly count: number;
  readonly run: () => Tensor;
}

/**
 * @param find what might stand for the ops from there on, the best first
 * @param runNode one op by itself
 * @param isSwapped whether the op is not the one that the fusions stand for
 */
export function fuse(
  { nodes, results }: Recording,
  find: (at: number) => readonly Found[],
  runNode: (node: Node) => Tensor,
  isSwapped: (op: ModelOp) => boolean,
): Run[] {
  const readers = countReaders(nodes, results);
  const runs: Run[] = [];
  for (let at = 0; at < nodes.length;) {
    const found = find(at).find(({ count }) => {
      const covered = nodes.slice(at, at + count);
      return !covered.some(({ op }) => isSwapped(op)) && isClosed(covered, readers);
    });
    if (found) {
      const covered = nodes.slice(at, at + found.count);
      const inner = new Set(covered.map(({ output }) => output));
      const inputs = covered.flatMap((node) => node.inputs).filter((value) => !inner.has(value));
      runs.push({ inputs, output: covered[covered.length - 1].output, run: found.run });
      at += found.count;
    } else {
      const node = nodes[at++];
      runs.push({ inputs: node.inputs, output: node.output, run: () => runNode(node) });
    }
  }
  return runs;
}

/** Whether nobody else reads what the nodes make, except for the last. */
function isClosed(covered: readonly Node[], readers: ReadonlyMap<Value, number>): boolean {
  const within = countReaders(covered, {});
  return covered.slice(0, -1).every(({ output }) => within.get(output) === readers.get(output));
}

/** How often each value is read; being a result counts. */
function countReaders(nodes: readonly Node[], results: ProgramResult): Map<Value, number> {
  const counts = new Map<Value, number>();
  for (const value of [...nodes.flatMap(({ inputs }) => inputs), ...Object.values(results)])
    counts.set(value as Value, (counts.get(value as Value) ?? 0) + 1);
  return counts;
}
