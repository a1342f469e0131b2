/** What every launcher needs: device, recorder, pipelines, and the step's memory. */
import type { Gpu, KernelSet } from '../gpu/device.ts';
import { BufferPool, type PooledBuffer } from '../gpu/buffer-pool.ts';
import { PipelineCache } from '../gpu/pipelines.ts';
import { Recorder, type Resource } from '../gpu/recorder.ts';
import { StagingPool } from '../gpu/staging.ts';
import { TexturePool, type PooledTexture } from '../gpu/texture-pool.ts';
import { EngineError } from '../errors.ts';
import { kernelSets, type SetOp, type VariantOf, type Variants } from './kernel-sets.ts';
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
  /** Several ops as one kernel where there is one (kernels/program/fusion.ts); on unless false. */
  readonly fusion?: boolean;
  /** Decode steps run again what one of their shape recorded (kernels/program/replay.ts); on unless false. */
  readonly replay?: boolean;
}

type Pooled = PooledBuffer | PooledTexture;

export class WebGPUContext {
  readonly gpu: Gpu;
  readonly kernelSet: KernelSet;
  readonly activations: 'f32' | 'int8';
  readonly #variants: Variants;
  readonly pipelines: PipelineCache;
  readonly recorder: Recorder;
  readonly pool: BufferPool;
  readonly textures: TexturePool;
  readonly staging: StagingPool;
  readonly #live = new Set<Pooled>();
  /** Taken since the innermost scope began. */
  #taken: Pooled[] = [];
  readonly #owned = new Map<Resource, Pooled>();

  constructor(gpu: Gpu, options: WebGPUOpsOptions = {}) {
    this.gpu = gpu;
    this.kernelSet = options.kernelSet ?? gpu.kernelSet;
    this.activations = options.activations ?? 'f32';
    this.#variants = options.variants ?? {};
    this.pipelines = new PipelineCache(gpu.device);
    this.recorder = new Recorder(gpu.device);
    this.pool = new BufferPool(gpu.device);
    this.textures = new TexturePool(gpu.device);
    this.staging = new StagingPool(gpu.device);
  }

  /** What this adapter's kernel set has for an op (kernel-sets.ts), or what the options name instead. */
  variant<O extends SetOp>(op: O): VariantOf<O> {
    return (this.#variants[op] ?? kernelSets[op][this.kernelSet].variant) as VariantOf<O>;
  }

  /** An uninitialised activation that lives until the end of the scope or step. */
  tensor(shape: Shape, dtype: DType): GpuTensor {
    const pooled = this.pool.take(Math.max(16, bytesOf(shape, dtype)));
    this.#hold(pooled, pooled.buffer);
    return { shape, dtype, storage: pooled.buffer };
  }

  /** An uninitialised input of a matrix product, likewise. */
  activation(shape: Shape, form: 'f32' | 'q8'): ActivationTensor {
    if (form === 'f32' || this.variant('q8 activations') === 'buffer') return this.tensor(shape, form);
    const pooled = this.textures.take(bytesOf(shape, form) / 16);
    this.#hold(pooled, pooled.view);
    return { shape, dtype: form, storage: pooled.view };
  }

  /** The texture of a tensor that `activation` put into one. */
  textureOf(tensor: Tensor): GPUTexture | null {
    const pooled = this.#owned.get(tensor.storage as Resource);
    return pooled && 'texture' in pooled ? pooled.texture : null;
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

  /** Runs `body` and gives back what it took, except what it returns. Scopes nest. */
  scope<T extends Tensor>(body: () => T): T {
    const outer = this.#taken;
    this.#taken = [];
    try {
      const result = body();
      const kept = this.#owned.get(result.storage as Resource);
      for (const pooled of this.#taken) if (pooled !== kept) this.#give(pooled);
      if (kept && this.#taken.includes(kept)) outer.push(kept);
      return result;
    } finally {
      this.#taken = outer;
    }
  }

  /** Where the activations lie that are in use. */
  liveResources(): Set<Resource> {
    return new Set([...this.#live].map((pooled) => ('texture' in pooled ? pooled.view : pooled.buffer)));
  }

  /** Whether it is memory that activations are put into. */
  isActivation(resource: Resource): boolean {
    return this.#owned.has(resource);
  }

  /** Whether it is such memory, and in use. */
  isLive(resource: Resource): boolean {
    const pooled = this.#owned.get(resource);
    return pooled !== undefined && this.#live.has(pooled);
  }

  /** Gives back the memory of one activation; nothing where it is none. */
  release(resource: Resource): void {
    const pooled = this.#owned.get(resource);
    if (pooled) this.#give(pooled);
  }

  /** Takes the memory of an activation of an earlier step again, which must not be live. */
  retake(resource: Resource): void {
    const pooled = this.#owned.get(resource);
    if (!pooled) return;
    const isFree = 'texture' in pooled ? this.textures.takeThis(pooled) : this.pool.takeThis(pooled);
    if (!isFree) throw new EngineError('internal_error', 'memory of an activation was to be taken again while in use');
    this.#hold(pooled, resource);
  }

  /** Gives back every activation of the step. */
  releaseAll(): void {
    for (const pooled of this.#live) this.#give(pooled);
    this.#taken = [];
  }

  #hold(pooled: Pooled, resource: Resource): void {
    this.#live.add(pooled);
    this.#taken.push(pooled);
    this.#owned.set(resource, pooled);
  }

  #give(pooled: Pooled): void {
    if (!this.#live.delete(pooled)) return;
    if ('texture' in pooled) this.textures.give(pooled);
    else this.pool.give(pooled);
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
