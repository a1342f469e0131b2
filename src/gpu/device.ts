/** Instance, adapter and device: the one place that opens Dawn, and what the rest may know about the hardware. */
import { globals } from 'webgpu';
import { EngineError } from '../errors.ts';
import { adapterNames, chooseAdapter } from './adapters.ts';
import { withoutDawnNotes } from './dawn-notes.ts';
import { createInstance } from './instance.ts';
import { chooseMatrixUnit, matrixConfigs, type MatrixUnit } from './matrix-unit.ts';
import { hasDotInstructions } from './processor.ts';

Object.assign(globalThis, globals);

/** Which kernels suit the adapter (kernels/kernel-sets.ts): `lavapipe` with subgroups of 8, or `gpu`, everything else. */
export type KernelSet = 'lavapipe' | 'gpu';

export interface GpuOptions {
  /** Dawn checks the SPIR-V that it makes: on in tests. Shaders are those of production. */
  readonly validation: boolean;
  /** Shaders check their indices and clear their memory: another text, which is compiled apart. Default false. */
  readonly robustness?: boolean;
  /** Number or part of the name of the adapter; null or absent: the fastest. */
  readonly adapter?: string | null;
  /** False: matrix units are not used. */
  readonly matrixUnits?: boolean;
  /** Timestamps to the nanosecond, for profiles; a browser's are blurred on purpose. */
  readonly preciseTimestamps?: boolean;
}

export interface Gpu {
  readonly device: GPUDevice;
  readonly adapter: GPUAdapter;
  /** e.g. `llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)` */
  readonly description: string;
  readonly kernelSet: KernelSet;
  readonly hasF16: boolean;
  readonly hasSubgroups: boolean;
  readonly hasTimestamps: boolean;
  /** It computes on the processor. */
  readonly isSoftware: boolean;
  /** It does, and has instructions for dot products of integers (processor.ts). */
  readonly hasDots: boolean;
  /** What its matrix units multiply; null where it has none. */
  readonly matrixUnit: MatrixUnit | null;
  /** The first uncaptured error or the device loss, else null. Checked at every read-back. */
  failure(): EngineError | null;
  destroy(): void;
}

// Needed for f16 and subgroup matrices on NVIDIA's Vulkan driver; harmless elsewhere.
const alwaysOn = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia', 'use_vulkan_memory_model'];
const unchecked = ['disable_robustness', 'disable_workgroup_init', 'disable_polyfills_on_integer_div_and_mod'];

function flagsOf(options: GpuOptions, name: string | null): string[] {
  const { validation, robustness = false, preciseTimestamps = false } = options;
  const on = robustness ? alwaysOn : [...alwaysOn, ...unchecked];
  const off = [
    ...(robustness ? [] : ['lazy_clear_resource_on_first_use']),
    ...(validation ? [] : ['enable_spirv_validation']),
    ...(preciseTimestamps ? ['timestamp_quantization'] : []),
  ];
  const toggles = [`enable-dawn-features=${on.join(',')}`];
  if (off.length > 0) toggles.push(`disable-dawn-features=${off.join(',')}`);
  return name === null ? toggles : [...toggles, `adapter=${name}`];
}

/** The adapter with the options' toggles, or EngineError no_adapter, or bad_flag where another was asked for. */
export async function requestAdapter(options: GpuOptions): Promise<GPUAdapter> {
  const { adapter: wanted = null } = options;
  const name = wanted === null ? null : chooseAdapter(wanted, await adapterNames());
  let adapter: GPUAdapter | null;
  try {
    adapter = await withoutDawnNotes(() =>
      createInstance(flagsOf(options, name)).requestAdapter({ powerPreference: 'high-performance' }),
    );
  } catch (cause) {
    throw new EngineError('no_adapter', 'WebGPU could not start: run `dawnlight doctor` to see why', { cause });
  }
  if (!adapter) {
    throw new EngineError(
      'no_adapter',
      'no WebGPU adapter found: install a Vulkan driver (`npm run setup` does it on Debian and Ubuntu); `dawnlight doctor` says more',
    );
  }
  return adapter;
}

const wantedFeatures = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix'] as const;

function matrixUnitOf({ features }: GPUDevice, info: GPUAdapterInfo): MatrixUnit | null {
  if (!features.has('chromium-experimental-subgroup-matrix')) return null;
  if (!info.subgroupMaxSize) return null;
  return chooseMatrixUnit(matrixConfigs(info), info.subgroupMaxSize, features.has('shader-f16'));
}

function outOfMemory({ message }: GPUOutOfMemoryError): EngineError {
  const advice = 'lower --max_total_token_num, --mem_fraction or --batch_max_tokens, or use --quant int4';
  return new EngineError('out_of_memory', `the device is out of memory: ${advice} (WebGPU: ${message})`);
}

/** What an adapter can do at most, for a device that can do it. */
export function allLimits({ limits }: GPUAdapter): Record<string, number> {
  const all: Record<string, number> = {};
  for (const key in limits) {
    const value: unknown = limits[key as keyof GPUSupportedLimits];
    if (typeof value === 'number') all[key] = value;
  }
  return all;
}

/** Opens the best adapter with every feature and limit it has. Throws EngineError no_adapter. */
export async function openGpu(options: GpuOptions): Promise<Gpu> {
  const adapter = await requestAdapter(options);
  const { info } = adapter;
  const requiredLimits = allLimits(adapter);
  const requiredFeatures = wantedFeatures.filter((f) => adapter.features.has(f)) as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });

  let failure: EngineError | null = null;
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    const { error } = event;
    failure ??=
      error instanceof GPUOutOfMemoryError
        ? outOfMemory(error)
        : new EngineError('internal_error', `WebGPU: ${error.message}`);
  });
  void device.lost.then((lost) => {
    if (lost.reason !== 'destroyed') {
      failure ??= new EngineError('device_lost', `the GPU device was lost: ${lost.message}`);
    }
  });
  const names = `${info.architecture} ${info.description} ${info.device}`;
  const isLavapipe = names.includes('llvmpipe');
  const kernelSet = isLavapipe && info.subgroupMinSize === 8 && info.subgroupMaxSize === 8 ? 'lavapipe' : 'gpu';
  return {
    device,
    adapter,
    description: [info.device || info.vendor, info.description].filter(Boolean).join(': '),
    kernelSet,
    hasF16: device.features.has('shader-f16'),
    hasSubgroups: device.features.has('subgroups'),
    hasTimestamps: device.features.has('timestamp-query'),
    isSoftware: isLavapipe || /swiftshader/i.test(names),
    hasDots: isLavapipe && hasDotInstructions(),
    matrixUnit: options.matrixUnits === false ? null : matrixUnitOf(device, info),
    failure: () => failure,
    destroy: () => device.destroy(),
  };
}

/** Bytes of the largest buffer that a kernel can be given whole. */
export function largestBinding({ limits }: GPUDevice): number {
  return Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
}
