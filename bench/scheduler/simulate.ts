/**
 * The real engine core over a device that only keeps time. Clients work in a closed loop, as in the Past-Future paper's
 * artifact: all start at once; each sends a request, reads it to its end and sends the next. A request that breaks the
 * SLA does not count and is sent again: when its first token is late at that moment, later as the condition says.
 */
import { defaultEngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import type { AdmissionPolicy } from '../../src/engine/scheduling/policies/policy.ts';
import { defaultSamplingParams, type RequestOutput } from '../../src/engine/core/types.ts';
import { ClockRunner, eosTokenId } from './clock-runner.ts';
import type { Condition } from './conditions.ts';
import type { Workload } from './workloads.ts';

/** Seconds; the paper's for 7B. */
export const sla = { timeToFirstToken: 10, maxTimePerOutputToken: 1.5 } as const;
/** The artifact's --max_total_token_num and --max_req_total_len for 7B. */
const capacity = 120_000;
const maxLength = 18_000;

export interface SimulationOptions {
  readonly condition: Condition;
  readonly seed: number;
  /** Simulated time. */
  readonly seconds: number;
  /** The start, when all clients come at once, is left out of `steadyGoodput`: what is measured after so many seconds. */
  readonly settled: number;
}

export interface SimulationResult {
  /** Output tokens per second of requests that met the SLA. */
  readonly goodput: number;
  readonly steadyGoodput: number;
  readonly finished: number;
  /** Requests whose first token was late, and whose first was not but a later one was. */
  readonly lateFirst: number;
  readonly lateToken: number;
  /** Pauses per request that got its first token. */
  readonly evictions: number;
  /** Mean share of the pool in use. */
  readonly occupancy: number;
}

interface Client {
  readonly id: string;
  /** Which request of the workload. */
  readonly n: number;
  lastToken: number;
  tokens: number;
  /** Which token broke the SLA first. */
  late: Ended['late'];
}

interface Ended {
  readonly time: number;
  readonly tokens: number;
  readonly late: 'first' | 'token' | null;
}

export async function simulate(
  workload: Workload,
  policy: AdmissionPolicy,
  options: SimulationOptions,
): Promise<SimulationResult> {
  const runner = new ClockRunner();
  const core = newCore(runner, policy, workload.clients, options.condition);
  const clients = new Map<string, Client>();
  const ended: Ended[] = [];
  let next = 0;
  let attempts = 0;

  const send = (n: number): void => {
    const { prompt, output } = workload.lengths(options.seed, n);
    const id = `${attempts++}`;
    runner.outputLength.set(id, output);
    // A first token of its own: prompts share nothing.
    const promptIds = new Array<number>(prompt).fill(1);
    promptIds[0] = 1 + attempts;
    const params = { ...defaultSamplingParams, temperature: 0, maxTokens: workload.maxTokens };
    core.add({ id, promptIds, params, seed: 0 });
    clients.set(id, { id, n, lastToken: runner.seconds, tokens: 0, late: null });
  };
  const end = (client: Client): void => {
    clients.delete(client.id);
    runner.outputLength.delete(client.id);
    ended.push({ time: runner.seconds, tokens: client.tokens, late: client.late });
    send(client.late === null ? next++ : client.n);
  };
  /** What it waits for is late, or, when a token has just come, that one was. */
  const isLate = ({ tokens, lastToken }: Client): boolean =>
    runner.seconds - lastToken > (tokens === 0 ? sla.timeToFirstToken : sla.maxTimePerOutputToken);
  const take = (output: RequestOutput): void => {
    const client = clients.get(output.requestId);
    if (!client || output.finishReason === 'abort') return;
    if (isLate(client)) client.late ??= client.tokens === 0 ? 'first' : 'token';
    client.tokens += output.tokenIds.length;
    client.lastToken = runner.seconds;
    if (output.finishReason !== null) end(client);
  };
  const giveUp = (): void => {
    for (const client of [...clients.values()]) {
      if (isLate(client)) client.late ??= client.tokens === 0 ? 'first' : 'token';
      if (client.late === null || (client.tokens > 0 && options.condition.late === 'finish')) continue;
      core.abort(client.id);
      end(client);
    }
  };

  while (next < workload.clients) send(next++);
  let pauses = 0;
  let used = 0;
  while (runner.seconds < options.seconds) {
    const before = runner.seconds;
    const { events, report } = await core.step();
    for (const event of events) if (event.type === 'output') take(event.output);
    giveUp();
    pauses += report.paused;
    const { totalSlots, freeSlots, cachedSlots } = report.stats;
    used += ((totalSlots - freeSlots - cachedSlots) / totalSlots) * (runner.seconds - before);
  }
  return summarize(ended, pauses, used, runner.seconds, options.settled);
}

function newCore(runner: ClockRunner, policy: AdmissionPolicy, clients: number, condition: Condition): EngineCore {
  const plain = condition.engine === 'plain';
  const info = {
    modelName: 'simulated',
    architecture: 'simulated',
    vocabSize: 2 ** 31,
    hiddenSize: 0,
    maxModelLen: maxLength,
    maxTotalTokenNum: capacity,
    isRewardModel: false,
    kernelSet: 'gpu' as const,
    eosTokenIds: [eosTokenId],
    adapter: 'clock',
  };
  const config = {
    ...defaultEngineConfig,
    runningMaxReqSize: 512,
    batchMaxTokens: 2048,
    chunkedPrefillSize: 2048,
    // Without chunks the engine lets a step grow to `maxLength` tokens of prompts: the artifact's --batch_max_tokens too.
    disableChunkedPrefill: plain,
    disableDynamicPromptCache: plain,
    // Those who gave up leave one step after they were replaced.
    maxQueuedRequests: 2 * clients,
    overlap: false,
  };
  return new EngineCore({ config, info, runner, policy });
}

function summarize(
  ended: readonly Ended[],
  pauses: number,
  used: number,
  seconds: number,
  settled: number,
): SimulationResult {
  const good = ended.filter(({ late }) => late === null);
  const tokens = (list: readonly Ended[]): number => list.reduce((sum, one) => sum + one.tokens, 0);
  const lateToken = ended.filter(({ late }) => late === 'token').length;
  return {
    goodput: tokens(good) / seconds,
    steadyGoodput: tokens(good.filter(({ time }) => time >= settled)) / (seconds - settled),
    finished: good.length,
    lateFirst: ended.length - good.length - lateToken,
    lateToken,
    evictions: pauses / Math.max(1, good.length + lateToken),
    occupancy: used / seconds,
  };
}
