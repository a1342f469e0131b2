/** An engine core over a tiny checkpoint and the definition of every op: no device, and slots as few as a test wants. */
import type { EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import type { EngineInfo } from '../../src/engine/core/types.ts';
import type { LoadedEngine } from '../../src/engine/client/engine-transport.ts';
import { DeviceModelRunner } from '../../src/engine/running/model-runner.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { kvCacheSpec, windowOf } from '../../src/model/cache-plan.ts';
import type { CausalLM } from '../../src/model/causal-lm.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { fixturePath } from './model-exam.ts';

export interface ReferenceModel {
  readonly name: string;
  readonly model: CausalLM;
  readonly vocabSize: number;
  /** Positions of one request. */
  readonly maxLength: number;
}

/** @param name a fixture's */
export async function referenceModel(name: string, maxLength = 64): Promise<ReferenceModel> {
  const opened = openModel(fixturePath(name));
  const model = await loadModel(new ReferenceOps(), opened, { quant: 'stored', maxLength });
  opened.close();
  return { name, model, vocabSize: opened.config.vocabSize, maxLength };
}

interface Room {
  readonly slots: number;
  /** Recurrent states that the prefix cache may keep. */
  readonly snapshots?: number;
}

/** Every slot is recounted after every step. */
export function referenceCore(model: ReferenceModel, config: EngineConfig, room: Room): EngineCore {
  return new EngineCore({ config, ...referenceEngine(model, config, room), checkInvariants: true });
}

export function referenceEngine(
  { name, model, vocabSize, maxLength }: ReferenceModel,
  config: EngineConfig,
  { slots, snapshots = 5 }: Room,
): LoadedEngine {
  const ops = new ReferenceOps();
  const { runningMaxReqSize: maxRequests, batchMaxTokens } = config;
  const window = windowOf(model.caches);
  const windowSlots = Math.min(slots, maxRequests * (window ?? 0) + (batchMaxTokens ?? slots));
  const size = { dtype: 'f32', slots, windowSlots, snapshots, maxRequests, maxLength } as const;
  const kv = ops.createKVCache(kvCacheSpec(model.caches, size));
  const info: EngineInfo = {
    modelName: name,
    architecture: model.config.modelType,
    vocabSize,
    hiddenSize: model.config.hiddenSize,
    maxModelLen: maxLength,
    maxTotalTokenNum: slots,
    window: window === null ? null : { window, slots: windowSlots },
    states: model.caches.some(({ kind }) => kind === 'state') ? { snapshots } : null,
    eosTokenIds: [],
    isRewardModel: false,
    ...(model.dynamicRotary && { sharedPromptLimit: model.dynamicRotary.trainedLength }),
    kernelSet: 'gpu',
    adapter: 'none',
  };
  const runner = new DeviceModelRunner(ops, model, kv, { vocabSize, eosTokenIds: [] }, []);
  return { info, runner };
}
