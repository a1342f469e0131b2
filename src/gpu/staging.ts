/** Read-back buffers, reused: mapping needs a buffer of its own kind, and several reads can be under way. */
export class StagingPool {
  readonly #device: GPUDevice;
  readonly #free: GPUBuffer[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** An unmapped MAP_READ buffer of at least `bytes`. */
  take(bytes: number): GPUBuffer {
    const at = this.#free.findIndex((b) => b.size >= bytes);
    if (at >= 0) return this.#free.splice(at, 1)[0];
    const size = 2 ** Math.max(8, Math.ceil(Math.log2(bytes)));
    return this.#device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  give(buffer: GPUBuffer): void {
    this.#free.push(buffer);
  }
}
