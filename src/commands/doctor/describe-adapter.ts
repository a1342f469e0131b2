/** What an open adapter says of itself, as plain data. */
import { adapterFacts } from '../../engine/running/adapter-facts.ts';
import { adapterNames } from '../../gpu/adapters.ts';
import type { Gpu } from '../../gpu/device.ts';
import { matrixConfigs } from '../../gpu/matrix-unit.ts';
import type { AdapterReport } from './adapter-report.ts';

/** Features that change speed; none is needed. */
const interesting = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix'];

const shownLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

export async function describeAdapter(gpu: Gpu): Promise<AdapterReport> {
  const { adapter, device } = gpu;
  const { info, limits } = adapter;
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    subgroupSizes: device.features.has('subgroups') ? [info.subgroupMinSize ?? 0, info.subgroupMaxSize ?? 0] : null,
    subgroupMatrices: matrixConfigs(info).map(
      ({ componentType, resultComponentType, M, N, K }) => `${componentType}→${resultComponentType} ${M}x${N}x${K}`,
    ),
    features: interesting.filter((feature) => device.features.has(feature as GPUFeatureName)),
    limits: Object.fromEntries(shownLimits.map((name) => [name, limits[name]])),
    facts: await adapterFacts(gpu, { gpuMemory: null }),
    all: await adapterNames(),
  };
}
