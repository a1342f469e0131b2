/**
 * What loading a model costs, stage by stage, in a process that does nothing else: wall time, processor time of all
 * threads, resident memory. `growth` is the peak above what the process had once the adapter was open, as a share of the
 * file's size: on lavapipe device memory is host memory, so the weights are in it once; on a GPU they are not.
 */
import { readFileSync } from 'node:fs';
import { defaultEngineConfig } from '../../src/config.ts';
import { stepBudget } from '../../src/engine/scheduling/step-budget.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import type { RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import type { spec } from './flags.ts';

interface Stage {
  readonly name: string;
  readonly ms: number;
  readonly cpuMs: number;
  /** Resident at the end of the stage. */
  readonly rssMB: number;
}
const stages: Stage[] = [];

async function stage<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  const row = {
    name,
    ms: Math.round(performance.now() - start),
    cpuMs: Math.round((user + system) / 1000),
    rssMB: megabytes(process.memoryUsage.rss()),
  };
  stages.push(row);
  console.log(`${name.padEnd(10)} ${row.ms} ms, ${row.cpuMs} ms of processor time, ${row.rssMB} MB resident`);
  return result;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

/** Highest resident size of this process so far, in bytes. */
function peak(): number {
  return process.resourceUsage().maxRSS * 1024;
}

export const run: RunBench<typeof spec> = async ({ model: named, quant }) => {
  const path = await modelPath(named);
  const [{ openModel }, { openGpu }, { WebGPUOps }, { loadModel }, { DeviceModelRunner }, { warmUp }] = await stage(
    'imports',
    () =>
      Promise.all([
        import('../../src/model/files/open-model.ts'),
        import('../../src/gpu/device.ts'),
        import('../../src/kernels/webgpu-ops.ts'),
        import('../../src/model/weights/load-weights.ts'),
        import('../../src/engine/running/model-runner.ts'),
        import('../../src/engine/running/warm-up.ts'),
      ]),
  );
  const opened = await stage('headers', () => openModel(path));
  const gpu = await stage('adapter', () => openGpu({ validation: false }));
  const base = process.memoryUsage.rss();
  const activations = gpu.kernelSet === 'lavapipe' ? 'int8' : 'f32';
  const ops = new WebGPUOps(gpu, { activations });
  const maxLength = Math.min(8192, opened.config.maxPositionEmbeddings);
  const model = await stage('weights', () => loadModel(ops, opened, { quant, maxLength }));
  const loaded = peak();
  opened.close();
  const spec = kvCacheSpec(model.caches, {
    slots: 32768,
    windowSlots: 32768,
    dtype: 'f16',
    maxRequests: 64,
    maxLength,
  });
  const kv = await stage('KV cache', () => ops.createKVCache(spec));
  const limits = { vocabSize: model.config.vocabSize, eosTokenIds: [] };
  const runner = new DeviceModelRunner(ops, model, kv, limits, []);
  const { batchMaxTokens } = stepBudget(defaultEngineConfig, gpu.kernelSet);
  await stage('warm-up', () => warmUp(runner, spec, batchMaxTokens, { isRewardModel: false }));

  const result = {
    model: path.split('/').at(-1),
    quant,
    machine: describeMachine(gpu.description),
    loadAverage: process.platform === 'linux' ? readFileSync('/proc/loadavg', 'utf8').split(' ')[0] : null,
    stages,
    fileMB: megabytes(opened.fileBytes),
    baseMB: megabytes(base),
    peakWhileLoadingMB: megabytes(loaded),
    growth: Number(((loaded - base) / opened.fileBytes).toFixed(2)),
    peakMB: megabytes(peak()),
  };
  return { result };
};
