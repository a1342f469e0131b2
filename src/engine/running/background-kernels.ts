/** Starts an engine's other kernels compiling in a process of its own, and lets the engine use them as they are ready. */
import { fork } from 'node:child_process';
import { freemem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { EngineConfig } from '../../config.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { KernelStage, StageCompiled } from '../../kernels/kernel-stage.ts';
import type { WebGPUOps } from '../../kernels/webgpu-ops.ts';
import { moduleUrl } from '../../module-url.ts';
import { KernelMark } from './kernel-mark.ts';
import type { EnginePlan } from './plan-engine.ts';

/** Bytes of weights below which nobody waits for the kernels; above, and beyond a part of the memory, a second copy is too much. */
const LEAST = 16 * 2 ** 20;
const MOST = 2 * 2 ** 30;
const SHARE_OF_MEMORY = 0.25;

/** Slots of its KV cache: enough for a warm-up. */
const SLOTS = 256;

/** Of the model's kernels; null for toys, where no start waits for them. */
export function kernelMark(gpu: Gpu, config: EngineConfig, plan: EnginePlan): KernelMark | null {
  return plan.memory.weights >= LEAST ? new KernelMark(gpu.description, config, plan) : null;
}

/** Whether an engine begins with the first stage: where compiling takes long, and another process can do it. */
export function beginsInStages(gpu: Gpu, config: EngineConfig, plan: EnginePlan, mark: KernelMark | null): boolean {
  if (gpu.kernelSet !== 'lavapipe' || mark === null) return false;
  if (!config.tieredStart || config.profile !== null || config.gpuValidation) return false;
  // Without a cache on disk nothing reaches this process.
  if (/^(1|true)$/i.test(process.env['MESA_SHADER_CACHE_DISABLE'] ?? '')) return false;
  return plan.memory.weights <= Math.min(MOST, freemem() * SHARE_OF_MEMORY) && !mark.isThere;
}

/** @returns what ends it */
export function compileInBackground(config: EngineConfig, ops: WebGPUOps, stage: KernelStage): () => void {
  const start = performance.now();
  const child = fork(fileURLToPath(moduleUrl('./compile-kernels.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  let isOver = false;
  const end = (): void => {
    isOver = true;
    child.kill();
  };
  const use = async ({ stage: name, made }: StageCompiled): Promise<void> => {
    await ops.context.pipelines.prepare(made);
    if (isOver) return;
    stage.reach(name);
    const seconds = Math.round((performance.now() - start) / 1000);
    if (name === 'fused') say(`All kernels are compiled, ${seconds} s after the start: full speed.`);
  };
  let ready = Promise.resolve();
  child.on('message', (compiled: StageCompiled) => {
    // A device that goes away meanwhile says so at the next step.
    ready = ready.then(() => (isOver ? undefined : use(compiled))).catch(() => undefined);
  });
  child.on('error', () => undefined);
  child.on('exit', (code) => {
    if (code !== 0 && !isOver)
      say('Kernels could not be compiled in the background: the engine stays at its first speed.');
  });
  child.send({
    ...config,
    ...{ tieredStart: false, maxTotalTokenNum: SLOTS, maxReqTotalLen: null },
  });
  child.unref();
  child.channel?.unref();
  return end;
}
