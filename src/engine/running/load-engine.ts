/** From a configuration to a model on the device, ready to step: the engine loader for real models. */
import type { EngineConfig } from '../../config.ts';
import { openGpu, type Gpu } from '../../gpu/device.ts';
import type { KernelSource } from '../../gpu/pipelines.ts';
import { waitForGpu } from '../../gpu/wait.ts';
import type { Lora, Ops } from '../../kernels/ops.ts';
import type { WebGPUOpsOptions } from '../../kernels/webgpu-context.ts';
import { WebGPUOps } from '../../kernels/webgpu-ops.ts';
import { withMerged } from '../adapters/plan-adapters.ts';
import { KernelStage, type StageCompiled, type StageName } from '../../kernels/kernel-stage.ts';
import { openModel, type OpenModel } from '../../model/files/open-model.ts';
import { loadPlan, type Progress } from '../../model/weights/load-weights.ts';
import { ModelAdapters } from '../adapters/model-adapters.ts';
import type { LoadedEngine, LoadOptions } from '../client/engine-transport.ts';
import type { LogitsProcessor } from './logits-processors.ts';
import { DeviceModelRunner } from './model-runner.ts';
import { adapterFacts } from './adapter-facts.ts';
import { beginsInStages, compileInBackground, compilers, kernelMark } from './background-kernels.ts';
import type { KernelMark } from './kernel-mark.ts';
import { prepareKernels } from './prepare-kernels.ts';
import { profiled } from './profiled-runner.ts';
import { planEngine } from './plan-engine.ts';
import type { EngineInfo } from '../core/types.ts';
import { warmUp, type WarmUpPart } from './warm-up.ts';

/** Code of the caller's own that takes part in every step. */
export interface EngineExtensions extends LoadOptions {
  /** Run for every request, behind bias, penalties and masks; all requests are sampled on the host then. */
  readonly logitsProcessors?: readonly LogitsProcessor[];
  /** Other kernels, typically a subclass of WebGPUOps. */
  readonly createOps?: (gpu: Gpu, options: WebGPUOpsOptions) => Ops;
  /** Stages of kernels to compile, one behind the other, and who is told of each (compile-kernels.ts). */
  readonly stages?: readonly StageName[];
  readonly onStage?: (compiled: StageCompiled) => void;
  /** Of each stage's kernels; default: all. */
  readonly part?: WarmUpPart;
  /** Where the kernels are noted down; without it for models of some size only. */
  readonly mark?: KernelMark;
}

/** @throws EngineError model_not_readable, unsupported_model, no_adapter, out_of_memory, bad_flag */
export async function loadEngine(
  config: EngineConfig,
  onProgress: Progress,
  extensions: EngineExtensions = {},
): Promise<LoadedEngine> {
  const opened = openModel(config.modelDir);
  try {
    const { gpuValidation: validation, device: adapter, profile } = config;
    const gpu = await openGpu({
      validation,
      matrixUnits: config.matrixUnits,
      robustness: validation,
      adapter,
      preciseTimestamps: profile !== null,
    });
    try {
      return await loadOnto(gpu, opened, config, onProgress, extensions);
    } catch (error) {
      gpu.destroy();
      throw error;
    }
  } finally {
    opened.close();
  }
}

async function loadOnto(
  gpu: Gpu,
  opened: OpenModel,
  config: EngineConfig,
  onProgress: Progress,
  extensions: EngineExtensions,
): Promise<LoadedEngine> {
  const { endTokenIds = [], logitsProcessors = [], createOps } = extensions;
  const spoiled = new Set<string>();
  const plan = planEngine(
    await withMerged(opened, config),
    config,
    await adapterFacts(gpu, config),
    (name) => void spoiled.add(name),
  );
  const mark = extensions.mark ?? kernelMark(gpu, config, plan);
  const isTiered = !createOps && beginsInStages(gpu, config, plan, mark);
  const { stages = [isTiered ? 'first' : 'fused'] } = extensions;
  const stage = new KernelStage(stages[0]);
  const { fusion, deterministic } = config;
  const options: WebGPUOpsOptions = { activations: plan.activations, fusion, deterministic, stage };
  const ops = createOps?.(gpu, options) ?? new WebGPUOps(gpu, options);
  const webgpu = ops instanceof WebGPUOps ? ops : null;
  const pipelines = webgpu?.context.pipelines;
  const replaced = !createOps && webgpu ? await prepareKernels(webgpu, opened, plan, config) : [];
  // Beside the weights, which are read meanwhile. One that cannot be made says so when a step needs it.
  const known = isTiered ? undefined : pipelines?.prepareAll(mark?.kernels() ?? []).catch(() => undefined);
  const { maxLength } = plan.kv;
  const loras: Lora[] = [];
  const lora = plan.lora && { ...plan.lora, onLora: (made: Lora) => void loras.push(made) };
  const model = await loadPlan(ops, opened, plan.weights, { maxLength, onProgress, lora });
  const { architecture, config: modelConfig } = opened;
  const adapters = plan.lora && new ModelAdapters(ops, { architecture, config: modelConfig }, loras, plan.lora);
  const eosTokenIds = [...new Set([...opened.generationConfig.eosTokenIds, ...(await endTokenIds)])];
  const limits = { vocabSize: opened.config.vocabSize, eosTokenIds };
  const runner = new DeviceModelRunner(ops, model, ops.createKVCache(plan.kv), limits, logitsProcessors, adapters);
  if (known) await waitForGpu(known);
  const all: KernelSource[] = [];
  const share = extensions.part && { part: extensions.part };
  for (const name of stages) {
    stage.reach(name);
    const made: KernelSource[] = [];
    if (pipelines) pipelines.onMade = (source) => void made.push(source);
    await warmUp(runner, plan.kv, plan.batchMaxTokens, { isRewardModel: model.scoreHead !== null, ...share });
    extensions.onStage?.({ stage: name, made });
    all.push(...made);
  }
  if (isTiered && webgpu)
    runner.onClose(compileInBackground(config, webgpu, { stage, mark, processes: compilers(plan) }));
  else if (stage.isFused && pipelines && !share) mark?.leave(all);
  const info: EngineInfo = {
    modelName: opened.name,
    architecture: opened.config.modelType,
    vocabSize: opened.config.vocabSize,
    hiddenSize: opened.config.hiddenSize,
    maxModelLen: maxLength,
    maxTotalTokenNum: plan.maxTotalTokenNum,
    window: plan.window,
    states: plan.states,
    eosTokenIds,
    isRewardModel: model.scoreHead !== null,
    adapter: gpu.description,
    kernelSet: gpu.kernelSet,
    memory: plan.memory,
    ...(model.dynamicRotary && { sharedPromptLimit: model.dynamicRotary.trainedLength }),
    batchMaxTokens: plan.batchMaxTokens,
    promptRows: plan.promptRows,
    ...(plan.lora && { adapterRoom: { slots: plan.lora.slots, maxRank: plan.lora.maxRank } }),
    notes: [
      ...plan.notes,
      ...replaced,
      ...(isTiered ? [tieredNote] : []),
      ...(spoiled.size === 0 ? [] : [nonFiniteNote([...spoiled])]),
    ],
  };
  if (config.profile === null) return { info, runner };
  return { info, runner: await profiled(runner, ops, gpu, { file: config.profile, model: opened.name }) };
}

const tieredNote =
  'The kernels that are fastest are being compiled in the background, once for this model on this machine; full speed in a minute or two.';

function nonFiniteNote(names: readonly string[]): string {
  const listed = names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
  return `NaN or infinity in ${listed}: the checkpoint is damaged; requests that meet it end with numerical_error`;
}
