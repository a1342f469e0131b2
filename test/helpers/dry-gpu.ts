/** A device that computes nothing: what is recorded on it shows which kernels a case uses, without compiling any. */
// Its constants, such as GPUBufferUsage, are globals from here on.
import '../../src/gpu/device.ts';
import type { Gpu, KernelSet } from '../../src/gpu/device.ts';

/** A kernel as it was handed to the device. */
export interface KernelText {
  readonly name: string;
  readonly source: string;
  readonly constants: Readonly<Record<string, number>>;
}

/** Any property and any call of it is itself. */
const nothing: object = new Proxy(() => nothing, {
  get: (_, key) => (key === 'then' || key === Symbol.toPrimitive ? undefined : nothing),
  apply: () => nothing,
});

/** What an ordinary adapter allows; WebGPU's defaults where kernels look at nothing else. */
export const dryLimits = {
  maxStorageBuffersPerShaderStage: 16,
  maxStorageTexturesPerShaderStage: 8,
  maxStorageBufferBindingSize: 2 ** 30,
  maxBufferSize: 2 ** 30,
  maxTextureDimension2D: 8192,
  maxComputeWorkgroupStorageSize: 32768,
};

interface Module {
  readonly code: string;
  getCompilationInfo(): Promise<{ messages: [] }>;
}

/** `seen` is told of each pipeline that is made. `like`: whose limits and features it has. */
export function dryGpu(
  kernelSet: KernelSet,
  like: Partial<Gpu> = {},
  seen: (kernel: KernelText) => void = () => {},
): Gpu {
  const own: Record<string | symbol, unknown> = {
    limits: like.device?.limits ?? dryLimits,
    features: like.device?.features ?? new Set(['shader-f16', 'subgroups']),
    // Uploads wait for it, now and then.
    queue: { writeBuffer: nothing, writeTexture: nothing, submit: nothing, onSubmittedWorkDone: async () => {} },
    createShaderModule: ({ code }: { code: string }): Module => ({
      code,
      getCompilationInfo: async () => ({ messages: [] }),
    }),
    createComputePipeline: ({ label = '', compute }: GPUComputePipelineDescriptor) => {
      const { code } = compute.module as unknown as Module;
      seen({ name: label, source: code, constants: compute.constants ?? {} });
      return nothing;
    },
  };
  const device = new Proxy({}, { get: (_, key) => own[key] ?? nothing }) as GPUDevice;
  return {
    ...{ adapter: nothing as GPUAdapter, description: 'nothing', kernelSet },
    ...{ hasF16: true, hasSubgroups: true, hasTimestamps: false, isSoftware: false, hasDots: true, matrixUnit: null },
    ...{ failure: () => null, destroy: () => {} },
    ...like,
    device,
  };
}
