import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/engine-core.ts';
import type { RequestInit } from '../../src/engine/request.ts';
import { defaultSamplingParams, type RequestOutput, type SamplingParams } from '../../src/engine/types.ts';
import { expectedOutput, fakeInfo, FakeRunner } from '../helpers/fake-runner.ts';

interface Setup {
  readonly config?: Partial<EngineConfig>;
  readonly slots?: number;
  readonly maxLen?: number;
}

function makeCore({ config = {}, slots = 400, maxLen = 200 }: Setup = {}): { core: EngineCore; runner: FakeRunner } {
  const runner = new FakeRunner(slots);
  const core = new EngineCore({
    config: { ...defaultEngineConfig, runningMaxReqSize: 8, batchMaxTokens: 32, chunkedPrefillSize: 16, ...config },
    info: fakeInfo(slots, maxLen),
    runner,
    checkInvariants: true,
  });
  return { core, runner };
}

function request(id: string, promptIds: readonly number[], params: Partial<SamplingParams> = {}): RequestInit {
  return { id, promptIds, params: { ...defaultSamplingParams, temperature: 0, maxTokens: 20, ...params }, seed: 1 };
}

/** Steps until nothing is left; all outputs joined per request. */
async function finishAll(core: EngineCore, onStep?: (step: number) => void): Promise<Map<string, RequestOutput>> {
  const outputs = new Map<string, RequestOutput>();
  for (let step = 0; core.hasWork(); step++) {
    if (step > 100_000) throw new Error('the engine makes no progress');
    onStep?.(step);
    for (const event of (await core.step()).events) {
      if (event.type === 'refused') throw new Error(event.error.message);
      const { output } = event;
      const before = outputs.get(output.requestId)?.tokenIds ?? [];
      outputs.set(output.requestId, { ...output, tokenIds: [...before, ...output.tokenIds] });
    }
  }
  return outputs;
}

/** Prompts of many lengths, some of which share prefixes. */
function mixedPrompts(count: number): number[][] {
  const shared = Array.from({ length: 60 }, (_, i) => 1 + ((i * 7) % 90));
  return Array.from({ length: count }, (_, r) => {
    const own = Array.from({ length: 1 + ((r * 13) % 70) }, (_, i) => 1 + ((r * 31 + i * i) % 95));
    return r % 3 === 0 ? [...shared.slice(0, (r * 11) % 60), ...own] : own;
  });
}

t.test('a request gives the same tokens alone and in any mix', async (t) => {
  const prompts = mixedPrompts(32);
  const expected = prompts.map((prompt) => expectedOutput(prompt, 40));
  const settings: Record<string, Setup> = {
    plain: { config: { overlap: false } },
    overlapped: { config: { overlap: true } },
    'no prefix cache': { config: { disableDynamicPromptCache: true } },
    'no chunks': { config: { disableChunkedPrefill: true } },
    'no chunks, no cache, plain': {
      config: { disableChunkedPrefill: true, disableDynamicPromptCache: true, overlap: false },
    },
    'one token chunks': { config: { chunkedPrefillSize: 1 } },
    'one at a time': { config: { runningMaxReqSize: 1 } },
    'many pauses': { config: { schedulerPolicy: 'fcfs' }, slots: 210 },
    'many pauses, no cache, plain': {
      config: { schedulerPolicy: 'fcfs', disableDynamicPromptCache: true, overlap: false },
      slots: 210,
    },
    aggressive: { config: { schedulerPolicy: 'aggressive' }, slots: 250 },
    conservative: { config: { schedulerPolicy: 'conservative' }, slots: 250 },
    'past-future': { config: { schedulerPolicy: 'past-future' }, slots: 250 },
  };
  for (const [name, setup] of Object.entries(settings)) {
    const { core } = makeCore(setup);
    let pauses = 0;
    prompts.forEach((prompt, i) => core.add(request(`r${i}`, prompt, { maxTokens: 40 })));
    const outputs = await finishAll(core, () => (pauses += core.scheduler.paused.length));
    t.same(
      prompts.map((_, i) => outputs.get(`r${i}`)?.tokenIds),
      expected,
      name,
    );
    if (name.startsWith('many pauses')) t.ok(pauses > 0, 'requests were paused');
    const { freeSlots, cachedSlots, totalSlots } = core.stats();
    t.equal(freeSlots + cachedSlots, totalSlots, 'all slots are free or spare at the end');
  }
});
