/** Long random lives of an engine: nothing is lost, nothing is owned twice, everything accepted ends, and ends right. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { EngineConfig } from '../../src/config.ts';
import { RadixCache } from '../../src/engine/cache/radix-cache.ts';
import { policyNames } from '../../src/engine/scheduling/policies/registry.ts';
import { Book, makeCore, request } from '../helpers/engine-driver.ts';
import { expectedOutput } from '../helpers/fake-runner.ts';
import { random } from '../helpers/random.ts';

interface Life {
  readonly steps: number;
  readonly pauses: number;
  readonly evicted: boolean;
}

/** Adds and aborts at random for so many steps, then lets everything finish. */
async function live(seed: number, steps: number, config: Partial<EngineConfig>): Promise<Life> {
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  const slots = 60 + below(100);
  // A third of the lives has a window, with just the slots that the plan gives it: windows of all requests, and a step.
  const stepTokens = config.disableChunkedPrefill ? 60 + 8 : 32;
  const length = 1 + below(12);
  const window =
    (seed + Math.floor(seed / 3)) % 3 === 2
      ? { window: length, slots: Math.min(slots, 8 * length + stepTokens) }
      : null;
  // Another third has recurrent states, with room for none, few or many snapshots.
  const states =
    (seed + Math.floor(seed / 3)) % 3 === 1 ? { snapshots: [0, 1, 4, 30][Math.floor(seed / 6) % 4] } : null;
  const { core } = makeCore({ config: { ...config, maxQueuedRequests: 20 }, slots, maxLen: 60, window, states });
  const book = new Book();
  const open = new Map<string, { prompt: number[]; maxTokens: number }>();
  let pauses = 0;
  let evicted = false;
  for (let step = 0; step < steps; step++) {
    if (next() < 0.12 && core.stats().waiting < 20) {
      // Few distinct tokens: prompts often share prefixes of all lengths.
      const alphabet = 1 + below(3);
      const prompt = Array.from({ length: 1 + below(35) }, () => 1 + below(alphabet));
      const maxTokens = 1 + below(24);
      const id = `${step}`;
      core.add(request(id, prompt, { maxTokens }));
      open.set(id, { prompt, maxTokens });
    }
    if (next() < 0.02) {
      const ids = [...open.keys()];
      if (ids.length > 0) core.abort(ids[below(ids.length)]);
    }
    await book.step(core);
    pauses += core.scheduler.paused.length;
    evicted ||= core.scheduler.kv.pool.free === 0;
    for (const [id, output] of book.outputs) {
      if (!output.finishReason) continue;
      const { prompt, maxTokens } = open.get(id)!;
      const expected = expectedOutput(prompt, maxTokens, false, window?.window, 0, states !== null);
      const got = output.tokenIds;
      const wanted = output.finishReason === 'abort' ? expected.slice(0, got.length) : expected;
      if (wanted.join() !== got.join())
        throw new Error(`seed ${seed}, request ${id}: ${got.join()} ≠ ${wanted.join()}`);
      open.delete(id);
      book.outputs.delete(id);
    }
  }
  await book.finishAll(core);
  for (const [id, output] of book.outputs) if (output.finishReason) open.delete(id);
  if (open.size > 0) throw new Error(`seed ${seed}: ${[...open.keys()].join()} never ended`);
  const { freeSlots, cachedSlots, totalSlots } = core.stats();
  if (freeSlots + cachedSlots !== totalSlots) throw new Error(`seed ${seed}: slots leaked`);
  const rows = core.scheduler.kv.states;
  if (rows && rows.free + rows.snapshots !== rows.size) throw new Error(`seed ${seed}: state rows leaked`);
  return { steps, pauses, evicted };
}

t.test('100,000 random steps', async (t) => {
  const settings: Partial<EngineConfig>[] = [];
  for (const schedulerPolicy of policyNames) {
    for (const overlap of [true, false]) {
      settings.push({ schedulerPolicy, overlap });
      settings.push({ schedulerPolicy, overlap, disableDynamicPromptCache: true });
      settings.push({ schedulerPolicy, overlap, disableChunkedPrefill: true });
    }
  }
  const each = Math.ceil(100_000 / settings.length);
  const lives: Life[] = [];
  for (const [seed, config] of settings.entries()) lives.push(await live(seed, each, config));
  t.ok(lives.reduce((n, life) => n + life.steps, 0) >= 100_000);
  t.ok(lives.filter((life) => life.pauses > 0).length >= 6, 'requests were paused');
  t.ok(lives.filter((life) => life.evicted).length >= 12, 'pools were full');
});

t.test('a window keeps its slots bounded, however long the context', async (t) => {
  const window = { window: 8, slots: 2 * 8 + 16 };
  for (const disableDynamicPromptCache of [false, true]) {
    const config = { runningMaxReqSize: 2, batchMaxTokens: 16, chunkedPrefillSize: 8, disableDynamicPromptCache };
    const { core } = makeCore({ config, slots: 400, maxLen: 200, window });
    const windowed = core.scheduler.kv.windowed!;
    const prompts = [1, 2].map((first) => Array.from({ length: 80 }, (_, i) => 1 + ((first * i) % 5)));
    prompts.forEach((prompt, i) => core.add(request(`${i}`, prompt, { maxTokens: 40, ignoreEos: true })));
    const book = new Book();
    let most = 0;
    await book.finishAll(core, () => (most = Math.max(most, windowed.inUse)));
    for (const [i, prompt] of prompts.entries())
      t.same(book.tokens(`${i}`), expectedOutput(prompt, 40, true, 8), 'ten windows of context, the same tokens');
    t.ok(most <= window.slots, `${most} slots were needed at most`);
    t.equal(windowed.inUse, 0, 'none is needed in the end');
  }
});

t.test('a prefix is gone on from where its window is still there', async (t) => {
  const window = { window: 8, slots: 2 * 8 + 32 };
  const { core } = makeCore({ config: { runningMaxReqSize: 2 }, slots: 400, maxLen: 200, window });
  const prompt = Array.from({ length: 60 }, (_, i) => 1 + ((i * i) % 7));
  const book = new Book();
  const run = async (id: string, ids: readonly number[]): Promise<number> => {
    core.add(request(id, ids, { maxTokens: 4, ignoreEos: true }));
    await book.finishAll(core);
    t.same(book.tokens(id), expectedOutput(ids, 4, true, 8), id);
    return book.outputs.get(id)!.usage.cachedTokens;
  };
  await run('first', prompt);
  t.equal(await run('its whole prompt', prompt), 59, 'the newest windowed slots are kept longest');
  t.ok(
    (await run('a branch far back', [...prompt.slice(0, 20), 9, 9, 9])) < 20,
    'where the window is gone it starts anew',
  );
});

t.test('the radix cache does what a plain map of prefixes does', async (t) => {
  const sequence = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 });
  const command = fc.oneof(
    fc.record({ type: fc.constant('insert' as const), ids: sequence }),
    fc.record({ type: fc.constant('lock' as const), ids: sequence }),
    fc.record({ type: fc.constant('unlock' as const), at: fc.nat(10) }),
    fc.record({ type: fc.constant('evict' as const), n: fc.integer({ min: 1, max: 6 }) }),
  );
  const check = fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
    const cache = new RadixCache();
    /** Prefix → slot of its last token. */
    const model = new Map<string, number>();
    const held: { ids: number[]; node: ReturnType<RadixCache['match']>['node'] }[] = [];
    let fresh = 0;
    const longest = (ids: number[]): number => {
      let n = 0;
      while (n < ids.length && model.has(ids.slice(0, n + 1).join())) n++;
      return n;
    };
    for (const c of commands) {
      if (c.type === 'insert') {
        const slots = c.ids.map(() => fresh++);
        const { known } = cache.insert(c.ids, slots, c.ids.length);
        assert.equal(known, longest(c.ids));
        for (let n = known; n < c.ids.length; n++) model.set(c.ids.slice(0, n + 1).join(), slots[n]);
      } else if (c.type === 'lock') {
        const { node, length } = cache.match(c.ids, c.ids.length);
        assert.equal(length, longest(c.ids));
        cache.lock(node);
        held.push({ ids: c.ids.slice(0, length), node });
      } else if (c.type === 'unlock') {
        const [gone] = held.splice(c.at % Math.max(1, held.length), 1);
        if (gone) cache.unlock(gone.node);
      } else {
        const evictable = cache.evictable;
        const freed = new Set(cache.evict(c.n));
        assert.equal(freed.size, Math.min(c.n, evictable));
        for (const [prefix, slot] of model) if (freed.delete(slot)) model.delete(prefix);
        assert.equal(freed.size, 0, 'only slots that were in the tree');
      }
      assert.equal(cache.size, model.size);
      for (const { ids, node } of held) {
        const want = ids.map((_, n) => model.get(ids.slice(0, n + 1).join()));
        assert.deepEqual(cache.pathSlots(node), want, 'a locked prefix is whole');
      }
      const locked = new Set(held.flatMap(({ ids }) => ids.map((_, n) => ids.slice(0, n + 1).join())));
      assert.equal(cache.evictable, model.size - locked.size);
    }
  });
  t.doesNotThrow(() => fc.assert(check, { numRuns: 300, seed: 1 }));
});

t.test('an adapter with hundreds of thousands of prefixes behind one token is forgotten', async (t) => {
  const cache = new RadixCache();
  const root = cache.rootOf(1);
  const count = 300_000;
  for (let i = 0; i < count; i++) cache.insert([1, i], [0, 1 + i], 2, { node: root, length: 0 });
  t.equal(cache.forget(1).length, 1 + count);
  t.equal(cache.size, 0);
});

t.test('the least recently used leaf goes first, from its end', async (t) => {
  const cache = new RadixCache();
  cache.insert([1, 2, 3], [0, 1, 2], 3);
  cache.insert([1, 2, 4, 5], [9, 9, 3, 4], 4);
  cache.match([1, 2, 3], 3);
  t.same(cache.evict(1), [4], 'the end of the older leaf');
  t.same(cache.evict(2).sort(), [2, 3], 'its rest, then the younger leaf');
  t.equal(cache.match([1, 2, 3], 3).length, 2, 'the shared part is left');
});
