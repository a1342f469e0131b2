/**
 * 1,000 mixed requests through the engine core with each kind of cache: in the end every slot and row is back. First over a
 * model that is none, whose tokens say exactly which slots were read; then over checkpoints of each kind.
 */
import t, { type Test } from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import type { EngineCore } from '../../src/engine/core/engine-core.ts';
import { Book, makeCore, request, type Setup } from '../helpers/engine-driver.ts';
import { expectedOutput } from '../helpers/fake-runner.ts';
import { random } from '../helpers/random.ts';
import { referenceCore, referenceModel } from '../helpers/reference-core.ts';

const REQUESTS = 1000;

/**
 * Few distinct tokens, so that beginnings are shared; now and then several choices of one prompt, and one that is given up.
 * @returns the prompts by the requests' ids
 */
async function sendAll(core: EngineCore, book: Book, longest: { prompt: number; answer: number }) {
  const next = random(7);
  const below = (n: number): number => Math.floor(next() * n);
  const prompts = new Map<string, number[]>();
  while (prompts.size < REQUESTS) {
    const prompt = Array.from({ length: 1 + below(longest.prompt) }, () => 1 + below(2));
    for (let n = next() < 0.2 ? 1 + below(4) : 1; n > 0 && prompts.size < REQUESTS; n--) {
      const id = `${prompts.size}`;
      prompts.set(id, prompt);
      core.add(request(id, prompt, { maxTokens: 1 + below(longest.answer), ignoreEos: true }));
    }
    if (next() < 0.1) core.abort(`${below(prompts.size)}`);
    for (let steps = below(4); steps > 0; steps--) await book.step(core);
  }
  await book.finishAll(core);
  return prompts;
}

function isMixed(t: Test, book: Book): void {
  const outputs = [...book.outputs.values()];
  const cached = outputs.reduce((sum, { usage }) => sum + usage.cachedTokens, 0);
  t.ok(cached > 1000, `${cached} tokens came from the cache`);
  t.ok(
    outputs.some(({ finishReason }) => finishReason === 'abort'),
    'some were aborted',
  );
}

function isAllBack(t: Test, core: EngineCore): void {
  core.flushCache();
  const { pool, windowed, states } = core.scheduler.kv;
  t.equal(pool.free, pool.size, 'slots');
  t.equal(windowed?.pool.free, windowed?.pool.size, 'slots of layers with a window');
  t.equal(states?.free, states?.size, 'rows of states');
}

/** Latents are rows by slot, as keys and values are: who owns them the engine does not tell apart. */
const kinds: Readonly<Record<string, Setup>> = {
  'kv, latent': {},
  'kv with a window': { window: { window: 6, slots: 8 * 6 + 32 } },
  state: { states: { snapshots: 10 } },
};

for (const [kind, setup] of Object.entries(kinds)) {
  t.test(kind, async (t) => {
    const { core } = makeCore({ ...setup, config: { maxQueuedRequests: REQUESTS }, slots: 150, maxLen: 60 });
    const book = new Book();
    const prompts = await sendAll(core, book, { prompt: 35, answer: 20 });
    const window = setup.window?.window ?? Infinity;
    for (const [id, prompt] of prompts) {
      const { tokenIds } = book.outputs.get(id)!;
      const wanted = expectedOutput(prompt, tokenIds.length, true, window, 0, Boolean(setup.states));
      if (tokenIds.join() !== wanted.join()) throw new Error(`request ${id}: ${tokenIds.join()} ≠ ${wanted.join()}`);
    }
    isMixed(t, book);
    isAllBack(t, core);
  });
}

/** A checkpoint of each kind; the windows are of 9 tokens, and every other layer of Gemma 2 sees everything. */
const models = {
  'llama-tied': ['kv'],
  gemma2: ['kv', 'window'],
  deepseek_v2: ['latent'],
  lfm2: ['kv', 'state'],
} as const;

for (const [name, held] of Object.entries(models)) {
  t.test(name, async (t) => {
    const model = await referenceModel(name);
    const { caches } = model.model;
    const kinds = caches.map((cache) => (cache.kind === 'kv' && cache.window !== null ? 'window' : cache.kind));
    t.same([...new Set(kinds)].sort(), [...held].sort());
    const config = {
      ...defaultEngineConfig,
      maxQueuedRequests: REQUESTS,
      runningMaxReqSize: 4,
      batchMaxTokens: 24,
      chunkedPrefillSize: 8,
    };
    const core = referenceCore(model, config, { slots: 70, snapshots: 6 });
    const book = new Book();
    const prompts = await sendAll(core, book, { prompt: 16, answer: 6 });
    isMixed(t, book);
    isAllBack(t, core);
    // Greedy: whoever had the same prompt began with the same tokens, wherever the keys came from.
    const answers = new Map<string, readonly number[]>();
    let compared = 0;
    for (const [id, prompt] of prompts) {
      const { tokenIds } = book.outputs.get(id)!;
      const known = answers.get(prompt.join());
      if (known) compared++;
      const [short, long] = known && known.length < tokenIds.length ? [known, tokenIds] : [tokenIds, known ?? tokenIds];
      answers.set(prompt.join(), long);
      if (long.slice(0, short.length).join() !== short.join())
        throw new Error(`request ${id} on ${prompt.join()}: ${short.join()} is not how ${long.join()} begins`);
    }
    t.ok(compared > 200, `${compared} answers were compared with another`);
  });
}
