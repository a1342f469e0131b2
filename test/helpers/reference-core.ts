/** An engine core over a tiny checkpoint and the definition of every op: no device, and slots as few as a test wants. */
import type { EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import type { EngineInfo } from '../../src/engine/core/types.ts';
import { DeviceModelRunner } from '../../src/engine/running/model-runner.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { kvCacheSpec, windowOf } from '../../src/model/cache-plan.ts';
import type { CausalLM } from '../../src/model/causal-lm.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { fixturePath } from './model-exam.ts';

/** Positions of one request. */
const MAX_LENGTH = 64;

export interface ReferenceModel {
  readonly name: string;
  readonly model: CausalLM;
  readonly vocabSize: number;
}

/** @param name a fixture's */
export async function referenceModel(name: string): Promise<ReferenceModel> {
  const opened = openModel(fixturePath(name));
  const model = await loadModel(new ReferenceOps(), opened, { quant: 'stored', maxLength: MAX_LENGTH });
  opened.close();
  return { name, model, vocabSize: opened.config.vocabSize };
}

/** Every slot is recounted after every step. @param snapshots recurrent states that the prefix cache may keep */
export function referenceCore(
  { name, model, vocabSize }: ReferenceModel,
  config: EngineConfig,
  { slots, snapshots = 5 }: { readonly slots: number; readonly snapshots?: number },
): EngineCore {
  const ops = new ReferenceOps();
  const { runningMaxReqSize: maxRequests, batchMaxTokens } = config;
  const window = windowOf(model.caches);
  const windowSlots = Math.min(slots, maxRequests * (window ?? 0) + (batchMaxTokens ?? slots));
  const size = { dtype: 'f32', slots, windowSlots, snapshots, maxRequests, maxLength: MAX_LENGTH } as const;
  const kv = ops.createKVCache(kvCacheSpec(model.caches, size));
  const info: EngineInfo = {
    modelName: name,
    architecture: model.config.modelType,
    vocabSize,
    hiddenSize: model.config.hiddenSize,
    maxModelLen: MAX_LENGTH,
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
  return new EngineCore({ config, info, runner, checkInvariants: true });
}
