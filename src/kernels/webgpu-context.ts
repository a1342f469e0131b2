/** What every launcher needs: device, recorder, pipelines, and the step's memory. */
import { largestBinding, type Gpu, type KernelSet } from '../gpu/device.ts';
import { BufferPool } from '../gpu/buffer-pool.ts';
import { PipelineCache } from '../gpu/pipelines.ts';
import { Recorder, type Resource } from '../gpu/recorder.ts';
import { StagingPool } from '../gpu/staging.ts';
import { TexturePool } from '../gpu/texture-pool.ts';
import { ActivationMemory } from './activation-memory.ts';
import { kernelSets, replaceable, type SetOp, type Variant, type VariantOf, type Variants } from './kernel-sets.ts';
import { KernelStage } from './kernel-stage.ts';
import type { ProductChoices } from './matmul/product-choices.ts';
import type { Matrix } from './ops.ts';
import { numel, type DType, type Shape, type Tensor } from '../tensor/tensor.ts';

/** Columns of one block of a q8 activation: two groups of 32. */
export const Q8_BLOCK = 64;

/**
 * A tensor in a GPU buffer. f32, u32: row-major. q8 `[T, K]`: for each token and block of 64 columns 8 lanes × vec4<u32>,
 * lane l holding the int8 of columns 4l…4l+3 in .x, of columns 32+4l… in .y; .z of lanes 0, 1 the integer sum of
 * each group of 32, .z of lanes 2, 3 their f32 scales. Columns behind K are zero.
 */
export interface GpuTensor extends Tensor {
  readonly storage: GPUBuffer;
}

/**
 * The input of a matrix product: a buffer as above; q8 for the `lavapipe` kernels is an rgba32uint texture instead, its texels in the
 * same order (linear, gpu/texture-pool.ts): lavapipe loads 16 bytes from a texture with a seventh of the instructions.
 */
export interface ActivationTensor extends Tensor {
  readonly storage: Resource;
}

export function bytesOf(shape: Shape, dtype: DType): number {
  switch (dtype) {
    case 'f32':
    case 'u32':
      return numel(shape) * 4;
    case 'f16':
      return numel(shape) * 2;
    case 'q8': {
      const columns = shape.at(-1) ?? 0;
      return columns === 0 ? 0 : (numel(shape) / columns) * Math.ceil(columns / Q8_BLOCK) * 128;
    }
    default:
      return dtype satisfies never;
  }
}

/** See WebGPUContext.activationFor. */
export function formFor(consumer: Matrix | undefined, activations: 'f32' | 'int8'): 'f32' | 'q8' {
  const quantized = consumer?.format === 'int8' || consumer?.format === 'int4';
  return quantized && activations === 'int8' ? 'q8' : 'f32';
}

export interface WebGPUOpsOptions {
  /** Which kernels to use; the adapter's own set unless a test asks for the other. */
  readonly kernelSet?: KernelSet;
  /** Form of the activations that feed int8/int4 matrix products. */
  readonly activations?: 'f32' | 'int8';
  /** Kernels other than those that the set chooses. */
  readonly variants?: Variants;
  /** A row's numbers are the same bits whoever else is in the step, also where that is slower; see docs/kernels.md. */
  readonly deterministic?: boolean;
  /** Several ops as one kernel where there is one (kernels/program/fusion.ts); on unless false. */
  readonly fusion?: boolean;
  /** On lavapipe: what is compiled so far; everything unless said otherwise. */
  readonly stage?: KernelStage;
  /** Kernels for single products, in front of the set's choice. */
  readonly productChoices?: ProductChoices | undefined;
  /** Decode steps run again what one of their shape recorded (kernels/program/replay.ts); on unless false. */
  readonly replay?: boolean;
}

export class WebGPUContext {
  readonly gpu: Gpu;
  readonly kernelSet: KernelSet;
  readonly activations: 'f32' | 'int8';
  readonly #variants: Variants;
  /** Variants that are not used, whatever the table says. */
  readonly #distrusted = new Set<string>();
  /** Kernels for single products, in front of the set's choice; set before the first step. */
  productChoices: ProductChoices | undefined;
  readonly deterministic: boolean;
  readonly stage: KernelStage;
  readonly pipelines: PipelineCache;
  readonly recorder: Recorder;
  readonly pool: BufferPool;
  readonly textures: TexturePool;
  readonly staging: StagingPool;
  readonly memory: ActivationMemory;
  constructor(gpu: Gpu, options: WebGPUOpsOptions = {}) {
    this.gpu = gpu;
    this.kernelSet = options.kernelSet ?? gpu.kernelSet;
    this.activations = options.activations ?? 'f32';
    this.#variants = options.variants ?? {};
    this.productChoices = options.productChoices;
    this.deterministic = options.deterministic ?? false;
    this.stage = options.stage ?? new KernelStage();
    this.pipelines = new PipelineCache(gpu.device);
    this.recorder = new Recorder(gpu.device);
    this.pool = new BufferPool(gpu.device, largestBinding(gpu.device));
    this.textures = new TexturePool(gpu.device);
    this.staging = new StagingPool(gpu.device);
    this.memory = new ActivationMemory(this.pool, this.textures);
  }

  /** What this adapter's kernel set has for an op (kernel-sets.ts), or what the options name instead. */
  variant<O extends SetOp>(op: O): VariantOf<O> {
    const {
      variant,
      others = [],
      onMatrixUnits,
      isOptional = false,
      ...more
    }: Variant = kernelSets[op][this.kernelSet];
    const variants: Readonly<Record<string, string | null>> = this.#variants;
    const onUnits = this.gpu.matrixUnit ? onMatrixUnits : undefined;
    const chosen = (this.deterministic && more.deterministic) || [onUnits];
    const inOrder = [variants[op], ...chosen, variant, ...others];
    return (inOrder.find((name) => name && this.trusts(name)) ?? (isOptional ? null : variant)) as VariantOf<O>;
  }

  /** False for kernels that were found wrong on this adapter. */
  trusts(variant: string): boolean {
    return !this.#distrusted.has(variant);
  }

  /**
   * From now on other kernels of the table are used in place of those that these names of pipelines belong to.
   * @returns the table's names of those that are replaced; none where there is no other, or was not
   */
  distrust(kernels: readonly string[]): string[] {
    const inTable = kernels.flatMap((kernel) => replaceable(this.kernelSet).filter((name) => kernel.startsWith(name)));
    const found = [...new Set(inTable)].filter((name) => this.trusts(name));
    for (const name of found) this.#distrusted.add(name);
    return found;
  }

  /** An uninitialised activation that lives until the end of the scope or step. */
  tensor(shape: Shape, dtype: DType): GpuTensor {
    return { shape, dtype, storage: this.memory.takeBuffer(Math.max(16, bytesOf(shape, dtype))) };
  }

  /** An uninitialised input of a matrix product, likewise. */
  activation(shape: Shape, form: 'f32' | 'q8'): ActivationTensor {
    if (form === 'f32' || this.variant('q8 activations') === 'buffer') return this.tensor(shape, form);
    return { shape, dtype: form, storage: this.memory.takeTexture(bytesOf(shape, form) / 16) };
  }

  /**
   * Values of the host that live as long as an activation. What is recorded so far is submitted: it may use the same
   * memory, and a write takes place before anything submitted later.
   */
  upload(data: Uint32Array): GpuTensor {
    this.recorder.submit();
    this.recorder.spoilCapture();
    const tensor = this.tensor([data.length], 'u32');
    this.gpu.device.queue.writeBuffer(tensor.storage, 0, data.buffer, data.byteOffset, data.byteLength);
    return tensor;
  }

  /** The activation form that the matmul with this matrix wants; plain f32 when nobody is named. */
  activationFor(consumer: Matrix | undefined): 'f32' | 'q8' {
    return formFor(consumer, this.activations);
  }

  /** A buffer that is filled once and stays. */
  constantBuffer(data: ArrayBufferView, label: string): GPUBuffer {
    const size = Math.max(16, Math.ceil(data.byteLength / 4) * 4);
    const buffer = this.gpu.device.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
      label,
    });
    this.gpu.device.queue.writeBuffer(buffer, 0, data.buffer, data.byteOffset, data.byteLength);
    return buffer;
  }
}

/** What a kernel binds to read a tensor that WebGPUOps made. */
export function resourceOf(tensor: Tensor): Resource {
  return tensor.storage as Resource;
}

/** The GPU buffer behind a tensor that WebGPUOps made. */
export function bufferOf(tensor: Tensor): GPUBuffer {
  return tensor.storage as GPUBuffer;
}
