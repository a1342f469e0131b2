/**
 * What the adapter can do at all: multiply-adds out of registers (GMAC/s) and bytes streamed from memory (GB/s).
 * Measured again in every round, so that a kernel's share does not depend on how busy the machine is.
 */
import type { Gpu } from '../../src/gpu/device.ts';
import { PipelineCache, type Kernel } from '../../src/gpu/pipelines.ts';
import { Recorder, type Resource } from '../../src/gpu/recorder.ts';
import { waitForGpu } from '../../src/gpu/wait.ts';
import { range } from '../../src/kernels/unroll.ts';

const ACCUMULATORS = 16;
const fma = `
var<immediate> turns: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let x = f32(id.x & 7u) * 0.1;
${range(ACCUMULATORS)
  .map((i) => `  var a${i} = vec4<f32>(${i}.0);`)
  .join('\n')}
  for (var i = 0u; i < turns; i++) {
${range(ACCUMULATORS)
  .map((i) => `    a${i} = a${i} * x + 0.5;`)
  .join('\n')}
  }
  let sum = ${range(ACCUMULATORS)
    .map((i) => `a${i}`)
    .join(' + ')};
  y[id.x] = sum.x + sum.y + sum.z + sum.w;
}`;

/** Texels across; the texture is as high as gives TEXTURE_BYTES. */
const WIDTH = 1024;
const TEXTURE_BYTES = 128 << 20;
const TEXELS = TEXTURE_BYTES / 16;
const STREAM_WORKGROUPS = 2048;

/** A read-only storage texture: the fastest way to memory on lavapipe, and as good as a buffer elsewhere. */
const stream = `
@group(0) @binding(0) var w: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var a = vec4<u32>(0u);
  for (var i = id.x; i < ${TEXELS}u; i += ${STREAM_WORKGROUPS * 64 * 8}u) {
${range(8)
  .map(
    (j) =>
      `    a ^= textureLoad(w, vec2<u32>((i + ${j * STREAM_WORKGROUPS * 64}u) & ${WIDTH - 1}u, (i + ${j * STREAM_WORKGROUPS * 64}u) / ${WIDTH}u));`,
  )
  .join('\n')}
  }
  y[id.x] = a.x ^ a.y ^ a.z ^ a.w;
}`;

export interface Calibration {
  readonly gmacs: number;
  readonly gbs: number;
}

export class Calibrator {
  readonly #gpu: Gpu;
  readonly #recorder: Recorder;
  readonly #fma: Kernel;
  readonly #stream: Kernel;
  readonly #out: GPUBuffer;
  readonly #texture: GPUTextureView;
  #turns = 64;

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
    this.#texture = texture.createView();
  }

  /** About 20 ms of each. */
  async measure(): Promise<Calibration> {
    let seconds = await this.#time(this.#fma, [this.#out], new Uint32Array([this.#turns]));
    while (seconds < 0.02) {
      this.#turns *= 2;
      seconds = await this.#time(this.#fma, [this.#out], new Uint32Array([this.#turns]));
    }
    const macs = this.#turns * STREAM_WORKGROUPS * 64 * ACCUMULATORS * 4;
    const streamed = await this.#time(this.#stream, [this.#texture, this.#out], null);
    return { gmacs: macs / seconds / 1e9, gbs: TEXTURE_BYTES / streamed / 1e9 };
  }

  async #time(kernel: Kernel, resources: Resource[], params: Uint32Array | null): Promise<number> {
    const start = performance.now();
    this.#recorder.dispatch(kernel, resources, params, STREAM_WORKGROUPS);
    this.#recorder.submit();
    await waitForGpu(this.#gpu.device.queue.onSubmittedWorkDone());
    return (performance.now() - start) / 1000;
  }
}
