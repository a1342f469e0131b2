/** A device of Dawn's backend that computes nothing: time on it is the host's alone. */
import { allLimits, type Gpu } from '../../src/gpu/device.ts';
import { createInstance } from '../../src/gpu/instance.ts';

/** Takes the kernels for GPUs. What is read back is zeros. */
export async function openNullGpu(): Promise<Gpu> {
  const toggles = 'enable-dawn-features=allow_unsafe_apis,use_vulkan_memory_model';
  const adapter = await createInstance(['backend=null', toggles]).requestAdapter();
  if (!adapter) throw new Error('Dawn has no null backend');
  const device = await adapter.requestDevice({ requiredLimits: allLimits(adapter) });
  return {
    ...{ device, adapter, description: 'Dawn’s null backend', kernelSet: 'gpu', matrixUnit: null },
    ...{ hasF16: false, hasSubgroups: false, hasTimestamps: false, isSoftware: true, hasDots: false },
    failure: () => null,
    destroy: () => device.destroy(),
  };
}
