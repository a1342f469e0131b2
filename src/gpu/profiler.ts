/**
 * How long each dispatch takes on the device: with a profiler, the recorder gives every dispatch a pass of its own with
 * a timestamp at both ends. That costs some 2 µs a dispatch on the host and keeps neighbouring dispatches from
 * overlapping, so the sum is a little more than an unprofiled step.
 */

/** Dispatches between two calls of `collect`. */
const CAPACITY = 2048;

export interface KernelTime {
  readonly name: string;
  readonly dispatches: number;
  readonly milliseconds: number;
}

export class Profiler {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;
  #names: string[] = [];

  /** @param device with the feature `timestamp-query` */
  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: 'timestamp', count: CAPACITY * 2 });
    const size = CAPACITY * 16;
    this.#resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /** What to begin the next dispatch's pass with; nothing once CAPACITY dispatches were seen. */
  pass(name: string): GPUComputePassDescriptor {
    const at = this.#names.length * 2;
    if (at >= CAPACITY * 2) return {};
    this.#names.push(name);
    const timestampWrites = { querySet: this.#queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
    return { timestampWrites };
  }

  /** Times by kernel since the last call, longest first. The recorder must have submitted everything. */
  async collect(): Promise<KernelTime[]> {
    const names = this.#names;
    this.#names = [];
    if (names.length === 0) return [];
    const bytes = names.length * 16;
    const encoder = this.#device.createCommandEncoder();
    encoder.resolveQuerySet(this.#queries, 0, names.length * 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, bytes);
    this.#device.queue.submit([encoder.finish()]);
    await this.#staging.mapAsync(GPUMapMode.READ, 0, bytes);
    const times = new BigUint64Array(this.#staging.getMappedRange(0, bytes).slice(0));
    this.#staging.unmap();
    const byName = new Map<string, { dispatches: number; milliseconds: number }>();
    names.forEach((name, i) => {
      const sum = byName.get(name) ?? { dispatches: 0, milliseconds: 0 };
      sum.dispatches++;
      sum.milliseconds += Number(times[2 * i + 1] - times[2 * i]) / 1e6;
      byName.set(name, sum);
    });
    const rows = [...byName].map(([name, sum]) => ({ name, ...sum }));
    return rows.sort((a, b) => b.milliseconds - a.milliseconds);
  }
}
