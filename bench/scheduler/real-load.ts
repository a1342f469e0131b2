/** The load that engines are compared under, and the time that a shared prefix saves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { hash3 } from '../../src/engine/running/random.ts';
import { defaultSamplingParams, type EngineClient } from '../../src/engine/core/types.ts';
import { quantile } from '../helpers/machine.ts';

/** Tokens per second of all answers; milliseconds. */
export interface LoadTimes {
  readonly throughput: number;
  readonly ttftP50: number;
  readonly ttftP99: number;
  /** Longest pause between two tokens of any answer. */
  readonly maxTpot: number;
}

export interface PrefixTimes {
  /** Time to first token of a 1,000-token prompt and 10 tokens more, then of the same with another end. */
  readonly first: number;
  readonly second: number;
  /** The second answer is that of an engine without prefix cache. */
  readonly same: boolean;
}

interface Answer {
  readonly ids: number[];
  readonly ttft: number;
  readonly maxGap: number;
}

/** Ids of common tokens; another text for each seed. */
function text(seed: number, length: number): number[] {
  return Array.from({ length }, (_, i) => 1000 + (hash3(seed, i, 0) % 5000));
}

async function ask(engine: EngineClient, promptIds: readonly number[], maxTokens: number): Promise<Answer> {
  const params = { ...defaultSamplingParams, temperature: 0, ignoreEos: true, maxTokens };
  const start = performance.now();
  const ids: number[] = [];
  let [ttft, last, maxGap] = [0, start, 0];
  for await (const { tokenIds } of engine.generate(promptIds, params)) {
    const now = performance.now();
    if (ids.length === 0) ttft = now - start;
    else maxGap = Math.max(maxGap, now - last);
    last = now;
    ids.push(...tokenIds);
  }
  return { ids, ttft, maxGap };
}

/** Twelve chats under one 200-token system prompt, and while they are answered two long documents. */
export async function measureLoad(engine: EngineClient, round: number): Promise<LoadTimes> {
  const system = text(1000 + round, 200);
  const start = performance.now();
  const chats = Array.from({ length: 12 }, async (_, i) => {
    await sleep(50 * i);
    return ask(engine, [...system, ...text(100 * round + i, 40)], 40);
  });
  const documents = [0, 1].map(async (i) => {
    await sleep(1500 + 1000 * i);
    return ask(engine, text(2000 + 10 * round + i, 600), 20);
  });
  const answers = await Promise.all([...chats, ...documents]);
  const tokens = answers.reduce((n, { ids }) => n + ids.length, 0);
  const ttfts = answers.map(({ ttft }) => ttft);
  return {
    throughput: (tokens / (performance.now() - start)) * 1000,
    ttftP50: quantile(ttfts, 0.5),
    ttftP99: quantile(ttfts, 0.99),
    maxTpot: Math.max(...answers.map(({ maxGap }) => maxGap)),
  };
}

export async function measurePrefix(cached: EngineClient, uncached: EngineClient, round: number): Promise<PrefixTimes> {
  const shared = text(3000 + round, 1000);
  const { ttft: first } = await ask(cached, [...shared, ...text(4000, 10)], 8);
  const prompt = [...shared, ...text(5000, 10)];
  const { ttft: second, ids } = await ask(cached, prompt, 8);
  const { ids: expected } = await ask(uncached, prompt, 8);
  return { first, second, same: ids.join() === expected.join() };
}
