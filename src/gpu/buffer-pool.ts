/** GPU buffers for a step's activations, reused between steps: the same sequence of requests gets the same buffers. */
import { FreeList } from './free-list.ts';

export interface PooledBuffer {
  /** Counts up from 0 in order of creation. */
  readonly id: number;
  readonly buffer: GPUBuffer;
  readonly bytes: number;
}

/** Next power of two, at least 256: few size classes, so that a buffer finds another use soon. */
export function sizeClass(bytes: number): number {
  return 2 ** Math.max(8, Math.ceil(Math.log2(bytes)));
}

export class BufferPool {
  readonly #device: GPUDevice;
  readonly #largest: number;
  /** By size class. */
  readonly #free = new Map<number, FreeList<PooledBuffer>>();
  readonly #all: PooledBuffer[] = [];
  readonly #inUse = new Set<PooledBuffer>();

  /** @param largest bytes that can be bound: no size class is above it */
  constructor(device: GPUDevice, largest = Infinity) {
    this.#device = device;
    this.#largest = largest;
  }

  /** Bytes held by the pool, in use or free. */
  get totalBytes(): number {
    return this.#all.reduce((sum, b) => sum + b.bytes, 0);
  }

  /** A storage buffer of at least `bytes`; its content is whatever its last use left. */
  take(bytes: number): PooledBuffer {
    const size = bytes <= this.#largest ? Math.min(sizeClass(bytes), this.#largest) : sizeClass(bytes);
    const list = this.#free.get(size) ?? new FreeList();
    this.#free.set(size, list);
    let pooled = list.take();
    if (!pooled) {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const buffer = this.#device.createBuffer({ size, usage, label: `activation ${size}` });
      pooled = { id: this.#all.length, buffer, bytes: size };
      this.#all.push(pooled);
    }
    this.#inUse.add(pooled);
    return pooled;
  }

  /** A buffer that was given back, again; false when it is in use. */
  takeThis(pooled: PooledBuffer): boolean {
    const isFree = this.#free.get(pooled.bytes)?.takeThis(pooled) ?? false;
    if (isFree) this.#inUse.add(pooled);
    return isFree;
  }

  /** Gives a buffer back. The GPU runs in submission order, so later dispatches may overwrite it at once. */
  give(pooled: PooledBuffer): void {
    if (this.#inUse.delete(pooled)) this.#free.get(pooled.bytes)?.give(pooled);
  }

  destroy(): void {
    for (const { buffer } of this.#all) buffer.destroy();
  }
}
