/** Which cases come to a variant: they are recorded on a device that does nothing, since compiling all of them takes minutes. */
import type { Gpu, KernelSet } from '../../src/gpu/device.ts';
import { dryGpu } from '../../test/helpers/dry-gpu.ts';
import type { KernelBench } from './cases.ts';
import type { Variant } from './variant.ts';

/** Name, form and `prepare` of a case of the table or of a bench. */
export type Recordable = Pick<KernelBench, 'name' | 'prepare'> & { readonly activations?: 'f32' | 'int8' };

/** Those of the cases that are computed by the variant. */
export async function casesOf<T extends Recordable>(
  variant: Variant,
  cases: readonly T[],
  gpu: Gpu,
  kernelSet: KernelSet,
): Promise<T[]> {
  const found: T[] = [];
  for (const one of cases) {
    const ops = variant.createOps(dryGpu(kernelSet, gpu), { kernelSet, activations: one.activations ?? 'f32' });
    const { used } = await variant.during(async () => void (await one.prepare(ops))());
    if (used) found.push(one);
  }
  return found;
}
