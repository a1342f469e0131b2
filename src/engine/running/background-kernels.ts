/** Starts an engine's other kernels compiling in processes of their own, and lets the engine use them as they are ready. */
import { fork } from 'node:child_process';
import { availableParallelism, freemem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { EngineConfig } from '../../config.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { KernelSource } from '../../gpu/pipelines.ts';
import type { KernelStage, StageCompiled } from '../../kernels/kernel-stage.ts';
import type { WebGPUOps } from '../../kernels/webgpu-ops.ts';
import { moduleUrl } from '../../module-url.ts';
import type { CompileTask } from './compile-task.ts';
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

/** Processes that compile side by side: each is a core's work, and has the weights. */
export function compilers(plan: EnginePlan): number {
  const most = availableParallelism() > 1 ? 2 : 1;
  return most * plan.memory.weights <= freemem() * SHARE_OF_MEMORY ? most : 1;
}

interface Background {
  readonly stage: KernelStage;
  readonly mark: KernelMark | null;
  readonly processes: number;
}

/** @returns what ends it */
export function compileInBackground(
  config: EngineConfig,
  ops: WebGPUOps,
  { stage, mark, processes }: Background,
): () => void {
  const start = performance.now();
  const small = { ...config, tieredStart: false, maxTotalTokenNum: SLOTS, maxReqTotalLen: null };
  const made = new Map<string, KernelSource>();
  const done = { first: 0, tiled: 0, fused: 0 };
  let isOver = false;
  const use = async (compiled: StageCompiled): Promise<void> => {
    await ops.context.pipelines.prepare(compiled.made);
    for (const source of compiled.made) made.set(source.key, source);
    if (isOver || ++done[compiled.stage] < processes) return;
    stage.reach(compiled.stage);
    if (compiled.stage !== 'fused') return;
    mark?.leave([...made.values()]);
    const seconds = Math.round((performance.now() - start) / 1000);
    say(`All kernels are compiled, ${seconds} s after the start: full speed.`);
  };
  let ready = Promise.resolve();
  const onCompiled = (compiled: StageCompiled): void => {
    // A device that goes away meanwhile says so at the next step.
    ready = ready.then(() => (isOver ? undefined : use(compiled))).catch(() => undefined);
  };
  const children = Array.from({ length: processes }, (_, index) =>
    compiler({ config: small, part: { index, of: processes } }, onCompiled, () => end(tooLittle)),
  );
  const end = (why: string | null): void => {
    if (why !== null && !isOver) say(why);
    isOver = true;
    for (const child of children) child.kill();
  };
  return () => end(null);
}

const tooLittle = 'Kernels could not be compiled in the background: the engine stays at its first speed.';

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function compiler(task: CompileTask, onCompiled: (compiled: StageCompiled) => void, onFailed: () => void) {
  const child = fork(fileURLToPath(moduleUrl('./compile-kernels.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  child.on('message', onCompiled);
  child.on('error', () => undefined);
  child.on('exit', (code) => {
    if (code !== 0) onFailed();
  });
  child.send(task);
  child.unref();
  child.channel?.unref();
  return child;
}
