/** From a configuration to a model on the device, ready to step: the engine loader for real models. */
import { freemem } from 'node:os';
import type { EngineConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import { openGpu, type Gpu } from '../../gpu/device.ts';
import type { KVCacheSpec, Ops } from '../../kernels/ops.ts';
import type { WebGPUOpsOptions } from '../../kernels/webgpu-context.ts';
import { WebGPUOps } from '../../kernels/webgpu-ops.ts';
import { activationBytes, kvBytesPerToken, maxTotalTokenNum, planBytes } from '../../model/weights/memory-plan.ts';
import { openModel, type OpenModel } from '../../model/files/open-model.ts';
import { planWeights } from '../../model/weights/weight-plan.ts';
import { loadModel, type Progress } from '../../model/weights/weights.ts';
import type { LoadedEngine, LoadOptions } from '../client/engine-transport.ts';
import type { LogitsProcessor } from './logits-processors.ts';
import { DeviceModelRunner } from './model-runner.ts';
import { MAX_PROMPT_ROWS } from '../scheduling/scheduler.ts';
import { stepBudget } from '../scheduling/step-budget.ts';
import type { EngineInfo, MemoryPlan } from '../core/types.ts';
import { warmUp } from './warm-up.ts';

/** What was decided before anything is allocated. */
interface EnginePlan {
  readonly activations: 'f32' | 'int8';
  readonly kv: KVCacheSpec;
  readonly batchMaxTokens: number;
  readonly memory: MemoryPlan;
}

/** Code of the caller's own that takes part in every step. */
export interface EngineExtensions extends LoadOptions {
  /** Run for every request, behind bias, penalties and masks; all requests are sampled on the host then. */
  readonly logitsProcessors?: readonly LogitsProcessor[];
  /** Other kernels, typically a subclass of WebGPUOps. */
  readonly createOps?: (gpu: Gpu, options: WebGPUOpsOptions) => Ops;
}

/** @throws EngineError model_not_readable, unsupported_model, no_adapter, out_of_memory, bad_flag */
export async function loadEngine(
  config: EngineConfig,
  onProgress: Progress,
  extensions: EngineExtensions = {},
): Promise<LoadedEngine> {
  const opened = openModel(config.modelDir);
  try {
    const gpu = await openGpu({ validation: config.gpuValidation });
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
  { endTokenIds = [], logitsProcessors = [], createOps = (g, options) => new WebGPUOps(g, options) }: EngineExtensions,
): Promise<LoadedEngine> {
  const plan = planEngine(opened, config, gpu);
  const ops = createOps(gpu, { activations: plan.activations });
  const { maxLength } = plan.kv;
  const spoiled = new Set<string>();
  const onNonFinite = (name: string): void => void spoiled.add(name);
  const model = await loadModel(ops, opened, { quant: config.quant, maxLength, onProgress, onNonFinite });
  const eosTokenIds = [...new Set([...opened.generationConfig.eosTokenIds, ...endTokenIds])];
  const limits = { vocabSize: opened.config.vocabSize, eosTokenIds };
  const runner = new DeviceModelRunner(ops, model, ops.createKVCache(plan.kv), limits, logitsProcessors);
  await warmUp(runner, plan.kv, plan.batchMaxTokens, model.scoreHead !== null);
  const info: EngineInfo = {
    modelName: opened.name,
    architecture: opened.config.modelType,
    vocabSize: opened.config.vocabSize,
    hiddenSize: opened.config.hiddenSize,
    maxModelLen: maxLength,
    maxTotalTokenNum: plan.kv.slots,
    eosTokenIds,
    isRewardModel: model.scoreHead !== null,
    adapter: gpu.description,
    kernelSet: gpu.kernelSet,
    memory: plan.memory,
    notes: spoiled.size === 0 ? [] : [nonFiniteNote([...spoiled])],
  };
  return { info, runner };
}

function nonFiniteNote(names: readonly string[]): string {
  const listed = names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
  return `NaN or infinity in ${listed}: the checkpoint is damaged; requests that meet it end with numerical_error`;
}

/** Element types, and how many KV slots of what length fit. */
function planEngine(opened: OpenModel, config: EngineConfig, gpu: Gpu): EnginePlan {
  const model = opened.config;
  const weights = planBytes(planWeights(opened, config.quant));
  const integers = weights.byFormat.has('int4') || weights.byFormat.has('int8');
  // Integer products are the fast path on lavapipe; real GPUs are bound by memory, where f32 activations cost nothing.
  const auto = integers && gpu.kernelSet === 'cpu-adapter' ? 'int8' : 'f32';
  const activations = config.activationDtype === 'auto' ? auto : config.activationDtype;
  const autoKv = gpu.hasF16 && activations === 'int8' ? 'f16' : 'f32';
  const dtype = config.kvCacheDtype === 'auto' ? autoKv : config.kvCacheDtype;
  const longest = longestContext(config, model.maxPositionEmbeddings);
  const { batchMaxTokens } = stepBudget(config, gpu.kernelSet);
  const step = activationBytes(model, batchMaxTokens, config.runningMaxReqSize + MAX_PROMPT_ROWS);
  const slots =
    config.maxTotalTokenNum ?? derivedSlots(opened, config, gpu, { weights: weights.total, step }, dtype, longest);
  if (config.maxReqTotalLen !== null && config.maxReqTotalLen > slots)
    throw new EngineError(
      'bad_flag',
      `--max_req_total_len ${config.maxReqTotalLen} is longer than the KV cache of ${slots} tokens: ` +
        `lower it or raise ${config.maxTotalTokenNum === null ? '--mem_fraction' : '--max_total_token_num'}`,
      { param: 'max_req_total_len' },
    );
  return {
    activations,
    batchMaxTokens,
    memory: { weights: weights.total, kvCache: slots * kvBytesPerToken(model, dtype), step },
    kv: {
      layers: model.numHiddenLayers,
      slots,
      kvHeads: model.numKeyValueHeads,
      headDim: model.headDim,
      dtype,
      maxRequests: config.runningMaxReqSize,
      maxLength: Math.min(longest, slots),
    },
  };
}

function longestContext({ maxReqTotalLen }: EngineConfig, trained: number): number {
  if (maxReqTotalLen !== null && maxReqTotalLen > trained) {
    throw new EngineError(
      'bad_flag',
      `--max_req_total_len ${maxReqTotalLen} is longer than the model's context of ${trained} tokens`,
      { param: 'max_req_total_len' },
    );
  }
  return maxReqTotalLen ?? trained;
}

/** As many slots as memory, one storage binding a layer, and the running requests can use. */
function derivedSlots(
  { config: model }: OpenModel,
  config: EngineConfig,
  gpu: Gpu,
  planned: Pick<MemoryPlan, 'weights' | 'step'>,
  dtype: 'f16' | 'f32',
  longest: number,
): number {
  const { limits } = gpu.device;
  // WebGPU does not tell how much memory a GPU has; on lavapipe it is the host's.
  const memory = gpu.kernelSet === 'cpu-adapter' ? freemem() : limits.maxBufferSize;
  const inMemory = maxTotalTokenNum(memory * config.memFraction, planned.weights, planned.step, model, dtype);
  const slotBytes = model.numKeyValueHeads * model.headDim * (dtype === 'f16' ? 2 : 4);
  const inBinding = Math.floor(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / slotBytes) - 1;
  return Math.min(inMemory, inBinding, config.runningMaxReqSize * longest);
}
