/**
 * Whether this adapter computes what the ops say: the kernels that a model will use, on small inputs, against the reference.
 * A kernel that is wrong, or that the driver refuses, is replaced by the next of the table's (kernel-sets.ts).
 */
import { EngineError } from '../../errors.ts';
import { nodesOf, type Node } from '../program/recording.ts';
import { ReferenceOps } from '../reference-ops.ts';
import type { WebGPUOps } from '../webgpu-ops.ts';
import type { Wrong } from './check.ts';
import { checkProducts } from './check-products.ts';
import { checkProgram } from './check-program.ts';
import { checkPrompts } from './check-prompts.ts';
import type { CacheAndStep } from './node-inputs.ts';

/**
 * @param nodes a recording of the model with a step of `smallBatch`, and the cache and step that stand in it
 * @returns what was replaced, a line each
 * @throws EngineError no_adapter where a kernel is wrong for which there is no other
 */
export async function selfTest(device: WebGPUOps, nodes: readonly Node[], recorded: CacheAndStep): Promise<string[]> {
  const { context } = device;
  const backends = { device, reference: new ReferenceOps({ activations: context.activations }) };
  const products = nodesOf(nodes, 'matmul');
  const replaced: string[] = [];
  for (;;) {
    const wrong = [
      ...(await checkProducts(backends, products)),
      ...(await checkPrompts(backends, nodesOf(nodes, 'attention'))),
      ...(await checkProgram(backends, nodes, recorded)),
    ];
    if (wrong.length === 0) return replaced;
    const lines = wrong.flatMap((each) => context.distrust(each.kernels).map((name) => replacedLine(name, each)));
    if (lines.length === 0) throw unusable(context.gpu.description, wrong[0]);
    replaced.push(...lines);
  }
}

function replacedLine(kernel: string, { op, why }: Wrong): string {
  return `The self-test found the kernel ${kernel} wrong on this adapter (${op}: ${why}); another takes its place, which may be slower.`;
}

function unusable(adapter: string, { op, kernels, why }: Wrong): EngineError {
  const message = `${adapter} computes ${op} wrong (${kernels.join(', ')}: ${why}), and there is no other kernel for it: a newer driver may help, or another adapter (--device)`;
  return new EngineError('no_adapter', message);
}
