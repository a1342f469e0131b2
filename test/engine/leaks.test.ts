/** 1,000 mixed requests through the engine core with each kind of cache: in the end every slot and row is back. */
import t from 'tap';
import { Book, makeCore, request, type Setup } from '../helpers/engine-driver.ts';
import { expectedOutput } from '../helpers/fake-runner.ts';
import { random } from '../helpers/random.ts';

const REQUESTS = 1000;

/** Latents are rows by slot, as keys and values are: who owns them the engine does not tell apart. */
const kinds: Readonly<Record<string, Setup>> = {
  'kv, latent': {},
  'kv with a window': { window: { window: 6, slots: 8 * 6 + 32 } },
  state: { states: { snapshots: 10 } },
};

for (const [kind, setup] of Object.entries(kinds)) {
  t.test(kind, async (t) => {
    const { core } = makeCore({ ...setup, config: { maxQueuedRequests: REQUESTS }, slots: 150, maxLen: 60 });
    const next = random(7);
    const below = (n: number): number => Math.floor(next() * n);
    const book = new Book();
    const prompts = new Map<string, number[]>();
    let cached = 0;
    while (prompts.size < REQUESTS) {
      // Few distinct tokens, so that beginnings are shared; now and then several choices of one prompt.
      const prompt = Array.from({ length: 1 + below(35) }, () => 1 + below(2));
      for (let n = next() < 0.2 ? 1 + below(4) : 1; n > 0 && prompts.size < REQUESTS; n--) {
        const id = `${prompts.size}`;
        prompts.set(id, prompt);
        core.add(request(id, prompt, { maxTokens: 1 + below(20), ignoreEos: true }));
      }
      if (next() < 0.1) core.abort(`${below(prompts.size)}`);
      for (let steps = below(4); steps > 0; steps--) await book.step(core);
    }
    await book.finishAll(core);
    const window = setup.window?.window ?? Infinity;
    for (const [id, prompt] of prompts) {
      const { tokenIds, usage } = book.outputs.get(id)!;
      cached += usage.cachedTokens;
      const wanted = expectedOutput(prompt, tokenIds.length, true, window, 0, Boolean(setup.states));
      if (tokenIds.join() !== wanted.join()) throw new Error(`request ${id}: ${tokenIds.join()} ≠ ${wanted.join()}`);
    }
    t.ok(cached > 1000, `${cached} tokens came from the cache`);
    t.ok(
      [...book.outputs.values()].some(({ finishReason }) => finishReason === 'abort'),
      'some were aborted',
    );
    core.flushCache();
    const { pool, windowed, states } = core.scheduler.kv;
    t.equal(pool.free, pool.size, 'slots');
    t.equal(windowed?.pool.free, windowed?.pool.size, 'slots of layers with a window');
    t.equal(states?.free, states?.size, 'rows of states');
  });
}
