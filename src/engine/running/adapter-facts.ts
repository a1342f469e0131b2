/** What the plan depends on of an adapter. */
import type { EngineConfig } from '../../config.ts';
import { largestBinding, type Gpu, type KernelSet } from '../../gpu/device.ts';
import { detectMemory, type DeviceMemory } from '../../gpu/memory.ts';
import { probeMemory } from '../../gpu/probe-memory.ts';

export interface AdapterFacts {
  readonly kernelSet: KernelSet;
  /** Bytes of the largest binding. */
  readonly maxBinding: number;
  /** What may be used, before `--mem_fraction`. */
  readonly memory: DeviceMemory;
}

/** Memory is what the flag says, else what the driver's tools say, else what can be allocated. */
export async function adapterFacts(gpu: Gpu, { gpuMemory }: Pick<EngineConfig, 'gpuMemory'>): Promise<AdapterFacts> {
  const { kernelSet, adapter, device } = gpu;
  const given = gpuMemory === null ? null : { bytes: gpuMemory * 2 ** 30, source: '--gpu_memory' };
  return {
    kernelSet,
    maxBinding: largestBinding(device),
    memory: given ?? detectMemory(adapter.info) ?? (await probeMemory(device)),
  };
}
