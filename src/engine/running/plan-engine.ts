/**
 * What the engine will be on this adapter, decided before anything is allocated: element types, KV slots, context, memory.
 * `serve` starts from it and `inspect` prints it.
 */
import type { EngineConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import { checkHeadDim } from '../../kernels/kv-cache/cache-format.ts';
import type { KVCacheSpec, KVDtype } from '../../kernels/ops.ts';
import { fitsBinding, kvCacheBytes, kvCacheSpec, windowOf, type LayerCache } from '../../model/cache-plan.ts';
import type { OpenModel } from '../../model/files/open-model.ts';
import { planBytes, type PlannedBytes } from '../../model/weights/memory-plan.ts';
import { planWeights, type WeightPlan } from '../../model/weights/weight-plan.ts';
import type { MemoryPlan, StateSpec, WindowSpec } from '../core/types.ts';
import { planAdapters, type LoraPlan } from '../adapters/plan-adapters.ts';
import type { AdapterFacts } from './adapter-facts.ts';
import { tokensInStep } from '../scheduling/step-budget.ts';
import { most } from './most.ts';
import { planStep } from './plan-step.ts';

export interface EnginePlan {
  readonly weights: WeightPlan;
  readonly weightBytes: PlannedBytes;
  readonly activations: 'f32' | 'int8';
  readonly kvDtype: KVDtype;
  readonly kv: KVCacheSpec;
  /** KV slots: `max_total_token_num`. */
  readonly maxTotalTokenNum: number;
  /** null where all layers see everything. */
  readonly window: WindowSpec | null;
  /** null where no layer has a recurrent state. */
  readonly states: StateSpec | null;
  readonly batchMaxTokens: number;
  /** Rows of logits for scoring prompts that a step may have. */
  readonly promptRows: number;
  /** Room for adapters; null: none. */
  readonly lora: LoraPlan | null;
  readonly memory: MemoryPlan;
  /** What whoever starts the engine should know of it. */
  readonly notes: readonly string[];
}

/**
 * @param onNonFinite as for planWeights
 * @throws EngineError out_of_memory, bad_flag, model_not_readable
 */
export function planEngine(
  opened: OpenModel,
  config: EngineConfig,
  adapter: AdapterFacts,
  onNonFinite?: (name: string) => void,
): EnginePlan {
  const weights = planWeights(opened, config.quant, onNonFinite);
  const weightBytes = planBytes(weights);
  const { activations, kvDtype } = elementTypes(config, adapter, weightBytes);
  const budget = adapter.memory.bytes * config.memFraction;
  const lora = planAdapters(opened, config);
  const adapterBytes = lora?.bytes ?? 0;
  const beside = budget - weightBytes.total - adapterBytes;
  const inOneRequest = longestContext(config, opened.config.maxPositionEmbeddings);
  const step = planStep(opened, weights, config, adapter, { activations, longest: inOneRequest, free: beside });
  const { batchMaxTokens, longest, measured } = step;
  const caches = opened.architecture.caches(opened.config);
  for (const cache of caches) if (cache.kind === 'kv') checkHeadDim(kvDtype, cache.headDim);
  const maxRequests = config.runningMaxReqSize;
  const inTables = longestInTables(adapter, maxRequests, measured.tablesPerPosition);
  // The windows of all running requests, and the tokens of one step.
  const windowSlots = maxRequests * (windowOf(caches) ?? 0) + tokensInStep(config, batchMaxTokens, longest);
  const free = beside - measured.step;
  const states = planStates(caches, config, adapter, free);
  const specOf = (slots: number): KVCacheSpec =>
    kvCacheSpec(caches, {
      dtype: kvDtype,
      slots,
      windowSlots: Math.min(slots, windowSlots),
      maxRequests,
      maxLength: Math.min(longest, slots, inTables),
      ...states,
    });
  const binds = (slots: number) => fitsBinding(specOf(slots), adapter.maxBinding);
  const fits = (slots: number) => {
    const spec = specOf(slots);
    // Each slot is charged a position of the rotary, slot and token tables too: one request may use them all.
    const tables = measured.tablesPerPosition + 4 * maxRequests * (spec.groups.length + 1);
    return kvCacheBytes(spec) + slots * tables <= free && binds(slots);
  };
  if (config.maxTotalTokenNum !== null) refuseManySlots(config.maxTotalTokenNum, binds);
  const slots = config.maxTotalTokenNum ?? most(maxRequests * longest, fits);
  if (slots < 1)
    throw noRoom(opened, config, adapter, { weights: weightBytes.total, step: measured.step + adapterBytes });
  refuseLongRequests(config, slots, inTables);
  const kv = specOf(slots);
  const { maxLength } = kv;
  const windowed = kv.groups.find(({ window }) => window !== null);
  return {
    notes: [
      ...step.notes,
      ...(config.maxTotalTokenNum === null && maxLength < longest ? [shortContextNote(maxLength, longest)] : []),
    ],
    weights,
    weightBytes,
    activations,
    kvDtype,
    batchMaxTokens,
    promptRows: step.promptRows,
    maxTotalTokenNum: slots,
    window: windowed?.window ? { window: windowed.window, slots: windowed.slots } : null,
    states,
    kv,
    lora,
    memory: {
      weights: weightBytes.total,
      kvCache: kvCacheBytes(kv),
      kvDtype,
      step: measured.step,
      ...(lora && { adapters: lora.bytes }),
    },
  };
}

/** Snapshots for each request that may run, where memory does not limit them: some conversations, each with its turns. */
const SNAPSHOTS_PER_REQUEST = 4;

/**
 * The recurrent states of all requests that may run have their place from the start; the prefix cache gets what fits a tenth of
 * the memory that is left.
 */
function planStates(
  caches: readonly LayerCache[],
  { runningMaxReqSize, linearAttCacheSize, disableDynamicPromptCache }: EngineConfig,
  { maxBinding }: AdapterFacts,
  free: number,
): StateSpec | null {
  const floats = caches.flatMap((cache) => (cache.kind === 'state' ? [cache.floats] : []));
  if (floats.length === 0) return null;
  const bytes = 4 * floats.reduce((n, more) => n + more, 0);
  const inBinding = Math.floor(maxBinding / (4 * Math.max(...floats)));
  const most = Math.min(inBinding, Math.floor(free / bytes));
  const wanted = runningMaxReqSize + (linearAttCacheSize ?? 0);
  if (wanted > most) {
    const [param, others] = linearAttCacheSize
      ? (['linear_att_cache_size', ` and --linear_att_cache_size ${linearAttCacheSize}`] as const)
      : (['running_max_req_size', ''] as const);
    const message = `--running_max_req_size ${runningMaxReqSize}${others}: ${wanted} recurrent states of ${bytes} bytes do not fit this device; ${Math.max(0, most)} do`;
    throw new EngineError('bad_flag', message, { param });
  }
  const spare = Math.floor(Math.max(0, free - runningMaxReqSize * bytes) / 10 / bytes);
  const some = Math.min(SNAPSHOTS_PER_REQUEST * runningMaxReqSize, spare, inBinding - runningMaxReqSize);
  return { snapshots: disableDynamicPromptCache ? 0 : (linearAttCacheSize ?? some) };
}

function elementTypes(config: EngineConfig, { kernelSet }: AdapterFacts, { byFormat }: PlannedBytes) {
  const integers = byFormat.has('int4') || byFormat.has('int8');
  // Integer products are the fast path on lavapipe; real GPUs are bound by memory, where f32 activations cost nothing.
  const auto = integers && kernelSet === 'lavapipe' ? 'int8' : 'f32';
  const activations = config.activationDtype === 'auto' ? auto : config.activationDtype;
  // f32 is the exact choice on a processor; on a GPU the cache is read from memory, and half of it is read twice as fast.
  const autoKv = kernelSet === 'gpu' || activations === 'int8' ? 'f16' : 'f32';
  const kvDtype = config.kvCacheDtype === 'auto' ? autoKv : config.kvCacheDtype;
  return { activations, kvDtype } as const;
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

/**
 * Positions for which the tables that have one entry each fit a binding: rotations, and slots and tokens of every request
 * that may run. A config that claims a context of millions does not decide how much is allocated.
 */
function longestInTables({ maxBinding }: AdapterFacts, maxRequests: number, rotaryBytes: number): number {
  return Math.floor(maxBinding / Math.max(4 * maxRequests, rotaryBytes));
}

function shortContextNote(fits: number, longest: number): string {
  return `context: ${fits} tokens at most in one request; the model's own of ${longest} does not fit this device's memory (--mem_fraction, --running_max_req_size)`;
}

/** Says what is missing, and what would make room. */
function noRoom(
  opened: OpenModel,
  config: EngineConfig,
  { memory }: AdapterFacts,
  { weights, step }: Pick<MemoryPlan, 'weights' | 'step'>,
): EngineError {
  const mb = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
  const share = memory.bytes * config.memFraction;
  const smaller = (['int8', 'int4'] as const)
    .map((quant) => ({ quant, bytes: planBytes(planWeights(opened, quant)).total }))
    .find(({ bytes }) => bytes < weights && bytes + step < share);
  const wider = Math.min(1, ((weights + step) / memory.bytes) * 1.1);
  const ways = [
    ...(smaller ? [`--quant ${smaller.quant} makes the weights ${mb(smaller.bytes)}`] : []),
    ...(weights + step < memory.bytes * wider ? [`--mem_fraction ${wider.toFixed(2)}`] : []),
    ...(weights < share ? ['--batch_max_tokens of less'] : []),
    ...(memory.source === '--gpu_memory' ? [] : [`--gpu_memory if there is more than the ${mb(memory.bytes)}`]),
  ];
  return new EngineError(
    'out_of_memory',
    `weights (${mb(weights)}) and activations (${mb(step)}) leave no room for the KV cache in ${mb(share)}, ${config.memFraction} of ${mb(memory.bytes)} (${memory.source}); what helps: ${ways.join(', ') || 'a smaller model'}`,
    { param: 'mem_fraction' },
  );
}

function refuseManySlots(wanted: number, binds: (slots: number) => boolean): void {
  if (binds(wanted)) return;
  throw new EngineError(
    'bad_flag',
    `--max_total_token_num ${wanted} does not fit this device: a layer's keys of ${most(wanted, binds)} tokens do`,
    { param: 'max_total_token_num' },
  );
}

function refuseLongRequests(config: EngineConfig, slots: number, inTables: number): void {
  const { maxReqTotalLen, maxTotalTokenNum, runningMaxReqSize } = config;
  if (maxReqTotalLen === null || maxReqTotalLen <= Math.min(slots, inTables)) return;
  const slotFlag = maxTotalTokenNum === null ? '--mem_fraction' : '--max_total_token_num';
  const why =
    slots <= inTables
      ? `longer than the KV cache of ${slots} tokens: lower it or raise ${slotFlag}`
      : `longer than the ${inTables} tokens that fit with --running_max_req_size ${runningMaxReqSize}: lower one of them`;
  throw new EngineError('bad_flag', `--max_req_total_len ${maxReqTotalLen} is ${why}`, { param: 'max_req_total_len' });
}
