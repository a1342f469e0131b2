/**
 * Whether an engine gives a request the same bits alone and in all kinds of company. DAWNLIGHT_SAME_BITS=64 takes so many
 * requests, all of which may run together, through all schedules, in place of what a test asks for.
 */
import type { Test } from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import { Book, request } from './engine-driver.ts';

/** Name, changes of the config, slots of the KV cache. */
export type Schedule = readonly [string, Partial<EngineConfig>, number?];

export const plain: Schedule = ['together', {}];
export const schedules: readonly Schedule[] = [
  plain,
  ['two at a time', { runningMaxReqSize: 2 }],
  ['seven at a time, not overlapped', { runningMaxReqSize: 7, overlap: false }],
  ['16 tokens a step', { runningMaxReqSize: 16, batchMaxTokens: 16, chunkedPrefillSize: 16 }],
  ['chunks of 5', { batchMaxTokens: 64, chunkedPrefillSize: 5 }],
  ['1024 tokens a step', { batchMaxTokens: 1024, chunkedPrefillSize: 1024 }],
  ['whole prompts', { disableChunkedPrefill: true }],
  ['no prefix cache', { disableDynamicPromptCache: true }],
  // Requests have to pause.
  ['few slots', { schedulerPolicy: 'fcfs' }, 400],
];

/** The three that differ most. */
export const few = schedules.filter(([name]) => ['together', 'chunks of 5', 'few slots'].includes(name));

/** Prompts of 1 to 85 tokens, every fifth so many longer; every third begins as others do. */
function promptsOf(count: number, longer: number): readonly number[][] {
  const shared = Array.from({ length: 50 }, (_, i) => 3 + ((i * 7) % 90));
  return Array.from({ length: count }, (_, r) => {
    const length = 1 + ((r * 13) % 40) + (r % 5 === 4 ? longer : 0);
    const own = Array.from({ length }, (_, i) => 3 + ((r * 31 + i * i) % 90));
    return r % 3 === 0 ? [...shared.slice(0, (r * 11) % 50), ...own] : own;
  });
}

export interface Exam {
  readonly modelDir: string;
  readonly requests: number;
  readonly config?: Partial<EngineConfig>;
  readonly schedules?: readonly Schedule[];
  /** Tokens more in every fifth prompt. */
  readonly longer?: number;
  /** Paths of adapters: requests have none, the first, the second, … in turns. */
  readonly adapters?: readonly string[];
}

export async function examine(t: Test, exam: Exam): Promise<void> {
  const { longer = 0, adapters = [] } = exam;
  const all = Number(process.env['DAWNLIGHT_SAME_BITS'] ?? 0);
  const requests = all || exam.requests;
  const config: EngineConfig = {
    ...defaultEngineConfig,
    ...{ modelDir: exam.modelDir, maxTotalTokenNum: 4000, maxReqTotalLen: 128 + longer },
    ...{ runningMaxReqSize: all || 16, batchMaxTokens: 256, chunkedPrefillSize: 64 },
    ...(adapters.length > 0 && { enableLora: true, maxLoras: adapters.length, maxLoraRank: 64 }),
    ...exam.config,
  };
  // With room for the schedule that has the most tokens in a step.
  const { info, runner } = await loadEngine({ ...config, batchMaxTokens: 1024 }, () => undefined);
  const prompts = promptsOf(requests, longer);
  const coreOf = async (changed: Partial<EngineConfig>, slots = 4000) => {
    const small = { ...info, maxTotalTokenNum: slots };
    const core = new EngineCore({ config: { ...config, ...changed }, info: small, runner, checkInvariants: true });
    for (const [i, path] of adapters.entries()) await core.loadAdapter(i + 1, path);
    return core;
  };
  const add = (core: EngineCore, i: number, turn = '') => {
    const adapter = i % (adapters.length + 1);
    const params = { maxTokens: 6, ignoreEos: true, logprobs: 1 };
    core.add(request(`${i}${turn}`, prompts[i], params, adapter === 0 ? {} : { adapter }));
  };
  const bits = (book: Book, id: string) => book.outputs.get(id)?.logprobs;

  const alone: ReturnType<typeof bits>[] = [];
  for (const i of prompts.keys()) {
    const core = await coreOf({ disableDynamicPromptCache: true, overlap: false });
    add(core, i);
    alone.push(bits(await new Book().finishAll(core), `${i}`));
  }
  t.equal(alone.flat().length, 6 * requests);

  for (const [name, changed, slots] of (all ? null : exam.schedules) ?? schedules) {
    const core = await coreOf(changed, slots);
    for (const turn of ['', ' again']) {
      for (const i of prompts.keys()) add(core, i, turn);
      const book = await new Book().finishAll(core);
      const different = [...prompts.keys()].filter(
        (i) => JSON.stringify(bits(book, `${i}${turn}`)) !== JSON.stringify(alone[i]),
      );
      t.same(different, [], `${name}${turn}: requests whose bits differ`);
    }
  }
  runner.close();
}
