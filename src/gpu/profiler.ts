/**
 * How long each dispatch takes on the device: with a profiler, the recorder gives every dispatch a pass of its own with
 * a timestamp at both ends. That costs some 2 µs a dispatch on the host and keeps neighbouring dispatches from
 * overlapping, so the sum is a little more than an unprofiled step.
 */
/** What a dispatch cannot do without. A multiply-add is two operations. */
export interface Work {
  readonly bytes: number;
  readonly flops: number;
}

/** One dispatch, in milliseconds of the device's clock. */
export interface DeviceSpan {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
  /** null where its launcher does not say. */
  readonly work: Work | null;
}

/** Dispatches that were read back together. Times of the host are performance.now's. */
export interface DeviceSpans {
  readonly spans: readonly DeviceSpan[];
  /** No dispatch began on the device before this. */
  readonly recordedAt: number;
  /** All had ended by then. */
  readonly readAt: number;
}

export interface KernelTime {
  readonly name: string;
  readonly dispatches: number;
  readonly milliseconds: number;
  /** null where the work of a dispatch is not known. */
  readonly work: Work | null;
}

/** Dispatches of one query set: WebGPU allows 4,096 queries. */
const PER_PAGE = 2048;

interface Page {
  readonly queries: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly staging: GPUBuffer;
}

interface Seen {
  readonly name: string;
  readonly work: (() => Work) | null;
}

export class Profiler {
  readonly #device: GPUDevice;
  readonly #free: Page[] = [];
  #pages: Page[] = [];
  #seen: Seen[] = [];
  #recordedAt = 0;
  /** The device's clock when it was first read, in ns. */
  #zero: bigint | null = null;

  /** @param device with the feature `timestamp-query` */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** What to begin the next dispatch's pass with. */
  pass(name: string, work: (() => Work) | null): GPUComputePassDescriptor {
    const at = this.#seen.length % PER_PAGE;
    if (this.#seen.length === 0) this.#recordedAt = performance.now();
    if (at === 0) this.#pages.push(this.#free.pop() ?? this.#newPage());
    this.#seen.push({ name, work });
    const { queries: querySet } = this.#pages.at(-1)!;
    return { timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * at, endOfPassWriteIndex: 2 * at + 1 } };
  }

  /** Times by kernel since the last call, longest first. The recorder must have submitted everything. */
  async collect(): Promise<KernelTime[]> {
    return byKernel((await this.read()).spans);
  }

  /** Every dispatch since the last call, in order, likewise. Calls may overlap. */
  async read(): Promise<DeviceSpans> {
    const [pages, seen, recordedAt] = [this.#pages, this.#seen, this.#recordedAt];
    [this.#pages, this.#seen] = [[], []];
    // Works are asked for at once: what they look at belongs to the step.
    const works = seen.map(({ work }) => work?.() ?? null);
    const times = await Promise.all(
      pages.map((page, i) => this.#resolve(page, Math.min(PER_PAGE, seen.length - i * PER_PAGE))),
    );
    this.#free.push(...pages);
    const all = times.flatMap((page) => [...page]);
    if (all.length > 0) this.#zero ??= all[0];
    const zero = this.#zero ?? 0n;
    const spans = seen.map(({ name }, i) => ({
      name,
      begin: Number(all[2 * i] - zero) / 1e6,
      end: Number(all[2 * i + 1] - zero) / 1e6,
      work: works[i],
    }));
    return { spans, recordedAt, readAt: performance.now() };
  }

  async #resolve({ queries, resolved, staging }: Page, count: number): Promise<BigUint64Array> {
    const bytes = count * 16;
    const encoder = this.#device.createCommandEncoder();
    encoder.resolveQuerySet(queries, 0, count * 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    this.#device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ, 0, bytes);
    const times = new BigUint64Array(staging.getMappedRange(0, bytes).slice(0));
    staging.unmap();
    return times;
  }

  #newPage(): Page {
    const size = PER_PAGE * 16;
    return {
      queries: this.#device.createQuerySet({ type: 'timestamp', count: PER_PAGE * 2 }),
      resolved: this.#device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC }),
      staging: this.#device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }),
    };
  }
}

/** Longest first. */
export function byKernel(spans: readonly DeviceSpan[]): KernelTime[] {
  const kernels = new Map<string, { dispatches: number; milliseconds: number; work: Work | null }>();
  for (const { name, begin, end, work } of spans) {
    const sum = kernels.get(name) ?? { dispatches: 0, milliseconds: 0, work: { bytes: 0, flops: 0 } };
    sum.dispatches++;
    sum.milliseconds += end - begin;
    sum.work = sum.work && work && { bytes: sum.work.bytes + work.bytes, flops: sum.work.flops + work.flops };
    kernels.set(name, sum);
  }
  const rows = [...kernels].map(([name, sum]) => ({ name, ...sum }));
  return rows.sort((a, b) => b.milliseconds - a.milliseconds);
}
