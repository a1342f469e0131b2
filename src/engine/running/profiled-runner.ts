/** A model runner whose steps are traced, host and device (--profile): the file is written when it closes. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../errors.ts';
import type { Gpu } from '../../gpu/device.ts';
import { summarize } from '../../gpu/kernel-summary.ts';
import { Profiler } from '../../gpu/profiler.ts';
import { measureRoofline, type Roofline } from '../../gpu/roofline.ts';
import { Trace } from '../../gpu/trace.ts';
import type { Ops } from '../../kernels/ops.ts';
import { WebGPUOps } from '../../kernels/webgpu-ops.ts';
import type { AdapterDevice } from '../adapters/adapter-device.ts';
import type { SampledToken } from '../core/types.ts';
import type { SchedulerOutput } from '../scheduling/scheduler-output.ts';
import type { DeviceFault, ModelRunner } from './model-runner.ts';

/** Milliseconds that closing waits for the last steps' times: a device that hangs has none. */
const PATIENCE = 5000;

interface ProfileOptions {
  readonly file: string;
  readonly model: string;
}

/** @throws EngineError bad_flag where the adapter has no timestamps, the ops are not WebGPU's, or the file cannot be written */
export async function profiled(
  runner: ModelRunner,
  ops: Ops,
  gpu: Gpu,
  { file, model }: ProfileOptions,
): Promise<ModelRunner> {
  const refuse = (why: string): EngineError => new EngineError('bad_flag', `--profile: ${why}`, { param: '--profile' });
  if (!gpu.hasTimestamps) throw refuse(`${gpu.description} has no timestamps (WebGPU’s timestamp-query)`);
  if (!(ops instanceof WebGPUOps)) throw refuse('only kernels of WebGPUOps are timed');
  try {
    writeFileSync(file, '');
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  const roofline = await measureRoofline(gpu);
  const profiler = (ops.context.recorder.profiler = new Profiler(gpu.device));
  return new ProfiledRunner(runner, profiler, roofline, { file, about: { model, adapter: gpu.description } });
}

class ProfiledRunner implements ModelRunner {
  readonly samplesOnHost: boolean;
  readonly adapters: AdapterDevice | null;
  readonly trace: Trace;
  readonly #inner: ModelRunner;
  readonly #profiler: Profiler;
  readonly #roofline: Roofline;
  readonly #to: { readonly file: string; readonly about: object };
  /** Fulfilled when the times of all steps that are over were read. */
  #read: Promise<void> = Promise.resolve();
  #steps = 0;

  constructor(
    inner: ModelRunner,
    profiler: Profiler,
    roofline: Roofline,
    to: { readonly file: string; readonly about: object },
  ) {
    this.samplesOnHost = inner.samplesOnHost;
    this.adapters = inner.adapters;
    this.trace = new Trace();
    this.#inner = inner;
    this.#profiler = profiler;
    this.#roofline = roofline;
    this.#to = to;
  }

  launch(output: SchedulerOutput): Promise<SampledToken[]> {
    const sampled = this.#inner.launch(output);
    this.#steps++;
    const read = async (): Promise<void> => {
      await sampled;
      this.trace.device(await this.#profiler.read());
    };
    // A step that fails is its caller's to report.
    this.#read = Promise.all([this.#read, read()]).then(
      () => undefined,
      () => undefined,
    );
    return sampled;
  }

  injectFault(fault: DeviceFault): void {
    this.#inner.injectFault?.(fault);
  }

  async close(): Promise<void> {
    await Promise.race([this.#read, sleep(PATIENCE, undefined, { ref: false })]);
    const kernels = this.trace.kernels().map((row) => summarize(row, this.#roofline));
    const about = { ...this.#to.about, steps: this.#steps, kernels };
    writeFileSync(this.#to.file, JSON.stringify(this.trace.toJSON(this.#roofline, about)));
    await this.#inner.close();
  }
}
