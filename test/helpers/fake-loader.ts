/** `loadEngine` over the fake runner, for engines in worker threads and in this one. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineConfig } from '../../src/config.ts';
import { EngineError } from '../../src/errors.ts';
import type { LoadedEngine, LoadOptions } from '../../src/engine/client/engine-transport.ts';
import { FakeAdapters, fakeInfo, FakeRunner } from './fake-runner.ts';

/** Milliseconds. */
const loadTime = 30;
const stepTime = 2;

export async function loadEngine(
  config: EngineConfig,
  onProgress: (done: number, total: number) => void,
  { endTokenIds = [] }: LoadOptions = {},
): Promise<LoadedEngine> {
  if (config.modelDir === 'missing')
    throw new EngineError('model_not_readable', 'missing: no such file', { param: 'model_dir' });
  const slots = config.maxTotalTokenNum ?? 1000;
  await sleep(loadTime);
  onProgress(1, 1);
  const info = fakeInfo(slots, 300);
  const adapters = config.enableLora ? new FakeAdapters(config.maxLoras ?? 8) : null;
  return {
    info: {
      ...info,
      eosTokenIds: [...info.eosTokenIds, ...(await endTokenIds)],
      ...(adapters && { adapterRoom: adapters }),
    },
    runner: new FakeRunner(slots, () => sleep(stepTime), null, adapters),
  };
}
