/**
 * Records dispatches into one compute pass a submit; caches bind groups, which cost ten times a dispatch to make. What was
 * dispatched while `capture` ran can be dispatched again as it was.
 */
import type { Kernel } from './pipelines.ts';
import type { Profiler, Work } from './profiler.ts';

export type Resource = GPUBuffer | GPUTextureView;

/** Dispatches after which the recorded part is submitted, so that the device starts while the rest is recorded. */
const SUBMIT_EVERY = 100;
const MAX_PER_DIMENSION = 65535;
/** A bind group takes a few kB on the device, on lavapipe a memory mapping too, of which a process may have 65,530. */
const MAX_BIND_GROUPS = 8192;

/** Words for `var<immediate>`, at most 64 bytes; a function gives those that each run of a dispatch has of its own. */
export type Immediates = Uint32Array | (() => Uint32Array);

interface Dispatch {
  readonly kernel: Kernel;
  readonly group: GPUBindGroup;
  readonly immediates: ArrayBufferLike | (() => Uint32Array) | null;
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** For a profiler; null where the launcher does not say. */
  readonly work: (() => Work) | null;
}

/** Dispatches in order, and everything that they bind. */
export interface DispatchList {
  readonly dispatches: readonly Dispatch[];
  readonly resources: ReadonlySet<Resource>;
}

interface Capture {
  readonly dispatches: Dispatch[];
  readonly resources: Set<Resource>;
  isWhole: boolean;
}

const resourceIds = new WeakMap<object, number>();
let nextResourceId = 0;
function resourceId(resource: Resource): number {
  let id = resourceIds.get(resource);
  if (id === undefined) resourceIds.set(resource, (id = nextResourceId++));
  return id;
}

/** dawn.node takes 0.4 µs for a buffer and 1.6 for an array that looks at one, of 4 µs that a dispatch costs. */
function bufferOfWords(words: Uint32Array): ArrayBufferLike {
  return words.byteLength === words.buffer.byteLength ? words.buffer : words.slice().buffer;
}

export class Recorder {
  readonly #device: GPUDevice;
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #recorded = 0;
  #capture: Capture | null = null;
  #work: (() => Work) | null = null;
  /** Dispatches recorded since the start; tests and benches read it. */
  dispatches = 0;
  /** Times every dispatch while it is set. */
  profiler: Profiler | null = null;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * Resources are bound at group 0, bindings 0, 1, …, null where this text of the kernel declares none. An empty grid
   * records nothing.
   */
  dispatch(
    kernel: Kernel,
    resources: readonly (Resource | null)[],
    immediates: Immediates | null,
    x: number,
    y = 1,
    z = 1,
  ): void {
    const work = this.#work;
    this.#work = null;
    if (x === 0 || y === 0 || z === 0) return;
    if (x > MAX_PER_DIMENSION || y > MAX_PER_DIMENSION)
      throw new RangeError(`${kernel.name}: grid ${x}×${y}×${z} too large`);
    const words = immediates instanceof Uint32Array ? bufferOfWords(immediates) : immediates;
    const dispatch = { kernel, group: this.#bindGroup(kernel, resources), immediates: words, x, y, z, work };
    this.#capture?.dispatches.push(dispatch);
    if (this.#capture) for (const r of resources) if (r) this.#capture.resources.add(r);
    this.#encode(dispatch);
  }

  /**
   * Says what the next dispatch does; asked for only when a profiler is there. What is dispatched again says what it said the first
   * time.
   */
  does(work: () => Work): void {
    this.#work = work;
  }

  /** Runs `body`, in which there may be others, and keeps what it dispatches; null where it did more than that, which a list cannot do again. */
  capture(body: () => void): DispatchList | null {
    const outer = this.#capture;
    const capture: Capture = { dispatches: [], resources: new Set(), isWhole: true };
    this.#capture = capture;
    try {
      body();
    } finally {
      this.#capture = outer;
    }
    if (outer) {
      outer.dispatches.push(...capture.dispatches);
      for (const resource of capture.resources) outer.resources.add(resource);
      outer.isWhole &&= capture.isWhole;
    }
    return capture.isWhole ? capture : null;
  }

  /** Dispatches once more what was captured. */
  replay({ dispatches }: DispatchList): void {
    for (const dispatch of dispatches) this.#encode(dispatch);
  }

  /** Said of work that takes place beside the dispatches: what is being captured is not all that happens. */
  spoilCapture(): void {
    if (this.#capture) this.#capture.isWhole = false;
  }

  #encode({ kernel, group, immediates, x, y, z, work }: Dispatch): void {
    this.#encoder ??= this.#device.createCommandEncoder();
    this.#pass ??= this.#encoder.beginComputePass(this.profiler?.pass(kernel.name, work));
    const pass = this.#pass;
    pass.setPipeline(kernel.pipeline);
    pass.setBindGroup(0, group);
    if (immediates) pass.setImmediates(0, typeof immediates === 'function' ? bufferOfWords(immediates()) : immediates);
    pass.dispatchWorkgroups(x, y, z);
    this.dispatches++;
    if (this.profiler) this.#endPass();
    if (++this.#recorded >= SUBMIT_EVERY) this.submit();
  }

  copy(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): void {
    this.spoilCapture();
    this.#endPass();
    this.#encoder ??= this.#device.createCommandEncoder();
    this.#encoder.copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
  }

  /** The first `rows` rows of a texture, one behind the other. */
  copyTexture(from: GPUTexture, rows: number, to: GPUBuffer, bytesPerRow: number): void {
    this.spoilCapture();
    this.#endPass();
    this.#encoder ??= this.#device.createCommandEncoder();
    this.#encoder.copyTextureToBuffer({ texture: from }, { buffer: to, bytesPerRow }, [from.width, rows]);
  }

  /** Sets the first bytes to zero. */
  clear(buffer: GPUBuffer, bytes: number): void {
    this.spoilCapture();
    this.#endPass();
    this.#encoder ??= this.#device.createCommandEncoder();
    this.#encoder.clearBuffer(buffer, 0, bytes);
  }

  /** Hands what is recorded to the queue. */
  submit(): void {
    this.#endPass();
    if (this.#encoder) this.#device.queue.submit([this.#encoder.finish()]);
    this.#encoder = null;
    this.#recorded = 0;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  #bindGroup(kernel: Kernel, resources: readonly (Resource | null)[]): GPUBindGroup {
    let key = String(kernel.id);
    for (const r of resources) key += `,${r ? resourceId(r) : ''}`;
    let group = this.#bindGroups.get(key);
    if (!group) {
      group = this.#device.createBindGroup({
        layout: kernel.pipeline.getBindGroupLayout(0),
        entries: resources.flatMap((r, binding) =>
          r ? [{ binding, resource: r instanceof GPUBuffer ? { buffer: r } : r }] : [],
        ),
      });
      // Steps of many sizes came by: those in use are soon made again.
      if (this.#bindGroups.size >= MAX_BIND_GROUPS) this.#bindGroups.clear();
      this.#bindGroups.set(key, group);
    }
    return group;
  }
}
