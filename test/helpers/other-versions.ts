/** The versions of kernels that the table of kernels names and does not choose. */
import type { KernelSet } from '../../src/gpu/device.ts';
import { kernelSets, othersOf, variantsNamed, type SetOp, type Variants } from '../../src/kernels/kernel-sets.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { halfBound, type Bound, type KernelCase } from '../kernels/cases/case.ts';
import { dryGpu } from './dry-gpu.ts';
import type { CreateOps } from './kernel-table.ts';

export interface OtherVersion {
  readonly name: string;
  /** Those of the given ones that it computes with other kernels than the chosen version. */
  readonly cases: readonly KernelCase[];
  readonly createOps: CreateOps;
  /** Of a version that rounds its operands. */
  readonly bound?: Bound;
}

/** What runKernelTable is told of a version that rounds its operands. */
export const boundOf = (version: string): { readonly bound?: Bound } =>
  /^(matmul|attention)\.matrix$/.test(version) ? { bound: halfBound } : {};

/** `others` of all entries of a set, each once. */
export async function* otherVersions(set: KernelSet, cases: readonly KernelCase[]): AsyncGenerator<OtherVersion> {
  for (const name of new Set((Object.keys(kernelSets) as SetOp[]).flatMap((op) => othersOf(op, set)))) {
    const variants = variantsNamed(name, set);
    const itsOwn: KernelCase[] = [];
    for (const each of cases)
      if ((await kernelsOf(each, set, variants)) !== (await kernelsOf(each, set, {}))) itsOwn.push(each);
    yield { name, cases: itsOwn, createOps: (gpu, how) => new WebGPUOps(gpu, { ...how, variants }), ...boundOf(name) };
  }
}

/** Names of the kernels that a case is computed with. */
async function kernelsOf(kernelCase: KernelCase, kernelSet: KernelSet, variants: Variants): Promise<string> {
  const names: string[] = [];
  const gpu = dryGpu(kernelSet, {}, ({ name }) => names.push(name));
  const ops = new WebGPUOps(gpu, { kernelSet, activations: kernelCase.activations ?? 'f32', variants });
  (await kernelCase.prepare(ops))();
  return names.join();
}
