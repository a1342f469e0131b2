/** Steps that nobody asked for, so that the first request does not wait for pipelines to be compiled. */
import type { KVCacheSpec } from '../../kernels/ops.ts';
import { defaultSamplingParams, type SamplingParams } from '../core/types.ts';
import type { AdapterDevice } from '../adapters/adapter-device.ts';
import { LoadedAdapter } from '../adapters/adapter-table.ts';
import type { ModelRunner } from './model-runner.ts';
import { EngineRequest, type EngineRequestInit } from '../core/engine-request.ts';
import type { ScheduledRequest } from '../scheduling/scheduler-output.ts';

/**
 * Greedy requests × tokens of each: a few at once, one decode, and a piece of a prompt; fewer where the engine takes no
 * more. In this order half of the compiling is that of every second.
 */
const shapes = [
  [8, 1],
  [2, 1],
  [1, 1],
  [1, 64],
] as const;

/** Every `of`th step, from the `index`th on: for processes that share the work. */
export interface WarmUpPart {
  readonly index: number;
  readonly of: number;
}

/** What a request asks for. */
type Task = Pick<EngineRequestInit, 'params' | 'pooling'>;

/** Asks for all that sampling can do. */
const everything: SamplingParams = {
  ...defaultSamplingParams,
  topP: 0.9,
  repetitionPenalty: 1.1,
  logitBias: new Map([[0, 1]]),
  allowedTokenIds: [0],
  logprobs: 1,
};

/** What it writes into the KV cache belongs to no request: slots are overwritten before they are read. */
export async function warmUp(
  runner: ModelRunner,
  kv: KVCacheSpec,
  batchMaxTokens: number,
  { isRewardModel, part = { index: 0, of: 1 } }: { readonly isRewardModel: boolean; readonly part?: WarmUpPart },
): Promise<void> {
  const task: Pick<Task, 'pooling'> = isRewardModel ? { pooling: 'last' } : {};
  const greedy: Task = { params: { ...defaultSamplingParams, temperature: 0 }, ...task };
  // Steps with adapters have kernels of their own.
  const adapters = runner.adapters ? [null, await adapterOfNothing(runner.adapters)] : [null];
  const steps = adapters.flatMap((adapter) =>
    shapes.map(([mostRequests, mostTokens]) => {
      const most = Math.min(batchMaxTokens, ...kv.groups.map(({ slots }) => slots));
      const requests = Math.min(mostRequests, kv.maxRequests, most);
      const length = Math.min(mostTokens, kv.maxLength, Math.floor(most / requests));
      return () => launch(runner, requests, length, greedy, adapter);
    }),
  );
  if (!isRewardModel) steps.push(() => launch(runner, 1, 1, { params: everything }));
  for (let i = part.index; i < steps.length; i += part.of) await steps[i]();
}

async function adapterOfNothing(device: AdapterDevice): Promise<LoadedAdapter> {
  const adapter = new LoadedAdapter(-1, device.nothing);
  await device.write(0, adapter.host);
  adapter.slot = 0;
  adapter.isWritten = true;
  return adapter;
}

async function launch(
  runner: ModelRunner,
  requests: number,
  length: number,
  task: Task,
  adapter: LoadedAdapter | null = null,
): Promise<void> {
  const scheduled = Array.from({ length: requests }, (_, tableRow) => chunk(tableRow, length, task, adapter));
  const rest = { numDecodeTokens: 0, admitted: [], paused: [], expired: [] };
  await runner.launch({ scheduled, numTokens: requests * length, ...rest });
}

function chunk(tableRow: number, length: number, task: Task, adapter: LoadedAdapter | null): ScheduledRequest {
  const tokenIds = new Array<number>(length).fill(0);
  const init = { id: `warm-up ${tableRow}`, promptIds: tokenIds, ...task, seed: 0 };
  return {
    request: new EngineRequest(init, length + 1, null, true, adapter),
    tableRow,
    tokenIds,
    start: 0,
    slots: tokenIds.map((_, i) => tableRow * length + i),
    windowSlots: tokenIds.map((_, i) => tableRow * length + i),
    cachedSlots: [],
    cachedWindowSlots: [],
    state: { before: null, behind: tableRow, keeps: [] },
    isNewInRow: true,
    samples: task.pooling === undefined,
    readsPrompt: false,
    endsPooling: task.pooling !== undefined,
    outputIndex: 0,
  };
}
