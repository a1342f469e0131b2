/**
 * What an adapter can do at all: multiply-adds out of registers (GMAC/s) and bytes streamed from memory (GB/s), each by a
 * small kernel. Benches measure it again in every round, so that a kernel's share does not depend on how busy the machine is.
 */
import type { Gpu } from './device.ts';
import { PipelineCache, type Kernel } from './pipelines.ts';
import type { Work } from './profiler.ts';
import { Recorder, type Resource } from './recorder.ts';
import { waitForGpu } from './wait.ts';

const ACCUMULATORS = 16;
const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');
const fma = `
var<immediate> turns: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let x = f32(id.x & 7u) * 0.1;
${lines(ACCUMULATORS, (i) => `  var a${i} = vec4<f32>(${i}.0);`)}
  for (var i = 0u; i < turns; i++) {
${lines(ACCUMULATORS, (i) => `    a${i} = a${i} * x + 0.5;`)}
  }
  let sum = ${Array.from({ length: ACCUMULATORS }, (_, i) => `a${i}`).join(' + ')};
  y[id.x] = sum.x + sum.y + sum.z + sum.w;
}`;

/** Texels across; the texture is as high as gives TEXTURE_BYTES. */
const WIDTH = 1024;
const TEXTURE_BYTES = 128 << 20;
const TEXELS = TEXTURE_BYTES / 16;
const STREAM_WORKGROUPS = 2048;
/** A measurement takes at least so long. */
const LEAST_SECONDS = 0.02;
const texel = (j: number): string => `i + ${j * STREAM_WORKGROUPS * 64}u`;

/** A read-only storage texture: the fastest way to memory on lavapipe, and as good as a buffer elsewhere. */
const stream = `
@group(0) @binding(0) var w: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var a = vec4<u32>(0u);
  for (var i = id.x; i < ${TEXELS}u; i += ${STREAM_WORKGROUPS * 64 * 8}u) {
${lines(8, (j) => `    a ^= textureLoad(w, vec2<u32>((${texel(j)}) & ${WIDTH - 1}u, (${texel(j)}) / ${WIDTH}u));`)}
  }
  y[id.x] = a.x ^ a.y ^ a.z ^ a.w;
}`;

export interface Roofline {
  readonly gmacs: number;
  readonly gbs: number;
}

/** Seconds that the work takes at least. */
export function leastSeconds({ bytes, flops }: Work, { gmacs, gbs }: Roofline): number {
  return Math.max(flops / (2 * gmacs), bytes / gbs) / 1e9;
}

export class Calibrator {
  readonly #gpu: Gpu;
  readonly #recorder: Recorder;
  readonly #fma: Kernel;
  readonly #stream: Kernel;
  readonly #out: GPUBuffer;
  readonly #texture: GPUTexture;
  readonly #view: GPUTextureView;
  #turns = 64;
  /** Times that the texture is read: on a fast GPU once takes less than handing it over. */
  #reads = 1;

  constructor(gpu: Gpu) {
    const { device } = gpu;
    const pipelines = new PipelineCache(device);
    this.#gpu = gpu;
    this.#recorder = new Recorder(device);
    this.#fma = pipelines.get('calibration.fma', () => fma);
    this.#stream = pipelines.get('calibration.stream', () => stream);
    this.#out = device.createBuffer({ size: STREAM_WORKGROUPS * 64 * 4, usage: GPUBufferUsage.STORAGE });
    const texture = device.createTexture({
      size: [WIDTH, TEXELS / WIDTH],
      format: 'rgba32uint',
      usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
    });
    const rows = 256;
    const data = new Uint32Array(WIDTH * 4 * rows).fill(1);
    for (let row = 0; row < TEXELS / WIDTH; row += rows)
      device.queue.writeTexture({ texture, origin: [0, row] }, data, { bytesPerRow: WIDTH * 16 }, [WIDTH, rows]);
    this.#texture = texture;
    this.#view = texture.createView();
  }

  /** About 20 ms of each. */
  async measure(): Promise<Roofline> {
    const multiply = (): Promise<number> => this.#time(this.#fma, [this.#out], new Uint32Array([this.#turns]), 1);
    let seconds = await multiply();
    while (seconds < LEAST_SECONDS) {
      this.#turns *= 2;
      seconds = await multiply();
    }
    const macs = this.#turns * STREAM_WORKGROUPS * 64 * ACCUMULATORS * 4;
    const read = (): Promise<number> => this.#time(this.#stream, [this.#view, this.#out], null, this.#reads);
    let streamed = await read();
    while (streamed < LEAST_SECONDS) {
      this.#reads *= 2;
      streamed = await read();
    }
    return { gmacs: macs / seconds / 1e9, gbs: (this.#reads * TEXTURE_BYTES) / streamed / 1e9 };
  }

  destroy(): void {
    this.#out.destroy();
    this.#texture.destroy();
  }

  async #time(kernel: Kernel, resources: Resource[], params: Uint32Array | null, times: number): Promise<number> {
    const start = performance.now();
    for (let i = 0; i < times; i++) this.#recorder.dispatch(kernel, resources, params, STREAM_WORKGROUPS);
    this.#recorder.submit();
    await waitForGpu(this.#gpu.device.queue.onSubmittedWorkDone());
    return (performance.now() - start) / 1000;
  }
}

/** What an adapter reached in its best round. */
export function better(a: Roofline, b: Roofline): Roofline {
  return { gmacs: Math.max(a.gmacs, b.gmacs), gbs: Math.max(a.gbs, b.gbs) };
}

/** The best of a few rounds, behind one in which pipelines are compiled. */
export async function measureRoofline(gpu: Gpu): Promise<Roofline> {
  const calibrator = new Calibrator(gpu);
  await calibrator.measure();
  let best = await calibrator.measure();
  for (let round = 0; round < 2; round++) best = better(best, await calibrator.measure());
  calibrator.destroy();
  return best;
}
