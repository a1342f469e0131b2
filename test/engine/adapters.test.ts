/** Which adapters lie on the device, who waits for them, what unloading and restarts leave: over the fake runner, exact on ids. */
import t from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { inThisThread } from '../../src/engine/client/engine-transport.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { defaultSamplingParams } from '../../src/engine/core/types.ts';
import { Book, makeCore, request } from '../helpers/engine-driver.ts';
import { loadEngine } from '../helpers/fake-loader.ts';
import { expectedOutput, FakeAdapters } from '../helpers/fake-runner.ts';
import { random } from '../helpers/random.ts';

const prompts = [
  [5, 6, 7, 8, 9],
  [5, 6, 7, 11, 12, 13],
  [20, 21],
];

t.test('the same prompts with other adapters share steps, and no keys', async (t) => {
  const adapters = new FakeAdapters(4);
  const { core } = makeCore({ adapters });
  for (const id of [1, 2, 3]) await core.loadAdapter(id, String(id * 10));
  const wanted = new Map<string, number[]>();
  for (const round of [0, 1]) {
    for (const adapter of [0, 1, 2, 3]) {
      for (const [p, prompt] of prompts.entries()) {
        const id = `${round}-${adapter}-${p}`;
        core.add(request(id, prompt, {}, adapter === 0 ? {} : { adapter }));
        wanted.set(id, expectedOutput(prompt, 20, false, Infinity, adapter * 10));
      }
    }
  }
  const book = await new Book().finishAll(core);
  for (const [id, ids] of wanted) t.same(book.tokens(id), ids, id);
  t.ok(
    [...wanted.keys()].some((id) => (book.outputs.get(id)?.usage.cachedTokens ?? 0) > 0),
    'each its own',
  );
});

t.test('10,000 requests over 50 adapters with room for 8: all are right, and nothing is left', async (t) => {
  const next = random(3);
  const pick = (n: number) => Math.floor(next() * n);
  const adapters = new FakeAdapters(8);
  const { core } = makeCore({ adapters, checkInvariants: false });
  for (let id = 1; id <= 50; id++) await core.loadAdapter(id, String(id));
  const book = new Book();
  let wrong = 0;
  for (let wave = 0; wave < 100; wave++) {
    const wanted = new Map<string, number[]>();
    for (let i = 0; i < 100; i++) {
      const adapter = pick(51);
      const prompt = [1 + pick(3), 1 + pick(90), 1 + pick(90)];
      wanted.set(`${wave}-${i}`, expectedOutput(prompt, 2, false, Infinity, adapter));
      core.add(request(`${wave}-${i}`, prompt, { maxTokens: 2 }, adapter === 0 ? {} : { adapter }));
    }
    await book.finishAll(core);
    for (const [id, ids] of wanted) if (book.tokens(id)?.join() !== ids.join()) wrong++;
    book.outputs.clear();
  }
  t.equal(wrong, 0);
  t.ok(adapters.writes > 50, `${adapters.writes} writes`);
  core.scheduler.kv.check([]);
  for (let id = 1; id <= 50; id++) core.unloadAdapter(id);
  core.flushCache();
  const { totalSlots, freeSlots, running, waiting } = core.stats();
  t.same({ freeSlots, running, waiting }, { freeSlots: totalSlots, running: 0, waiting: 0 });
  t.throws(() => core.add(request('late', [1], {}, { adapter: 7 })), { code: 'model_not_found' });
});

t.test('a request waits for its adapter, the others do not wait for it', async (t) => {
  let arrive = (): void => undefined;
  const adapters = new FakeAdapters(2, () => new Promise((resolve) => (arrive = resolve)));
  const { core } = makeCore({ adapters });
  await core.loadAdapter(1, '1');
  core.add(request('slow', [5, 6], {}, { adapter: 1 }));
  core.add(request('base', [7, 8], { ignoreEos: true }));
  const book = new Book();
  while (!book.outputs.get('base')?.finishReason) await book.step(core);
  t.same(book.tokens('slow'), undefined, 'its adapter has not come');
  arrive();
  await book.finishAll(core);
  t.same(book.tokens('slow'), expectedOutput([5, 6], 20, false, Infinity, 1));
});

t.test('adapters that are always wanted do not keep one out for ever', async (t) => {
  const { core } = makeCore({ adapters: new FakeAdapters(1) });
  for (const id of [1, 2]) await core.loadAdapter(id, String(id));
  let sent = 0;
  const send = () => {
    const params = { maxTokens: 5 + (sent % 7), ignoreEos: true };
    core.add(request(`often ${sent++}`, [5, 6], params, { adapter: 1 }));
  };
  for (let i = 0; i < 6; i++) send();
  core.add(request('rare', [9], {}, { adapter: 2 }));
  const book = new Book();
  for (let steps = 0; !book.outputs.get('rare') && steps < 2000; steps++) {
    if (core.stats().running + core.stats().waiting < 10) send();
    await book.step(core);
  }
  t.ok(book.outputs.get('rare'), `it has begun, ${sent} others were sent`);
  await book.finishAll(core);
});

t.test('an adapter that is unloaded stays until its requests have ended', async (t) => {
  const { core } = makeCore({ adapters: new FakeAdapters(2) });
  await core.loadAdapter(1, '1');
  core.add(request('running', [5, 6, 7], { ignoreEos: true }, { adapter: 1 }));
  const book = new Book();
  for (let i = 0; i < 4; i++) await book.step(core);
  core.unloadAdapter(1);
  t.throws(() => core.add(request('late', [5], {}, { adapter: 1 })), { code: 'model_not_found' });
  await book.finishAll(core);
  t.same(book.tokens('running'), expectedOutput([5, 6, 7], 20, true, Infinity, 1));
  t.equal(core.stats().freeSlots, core.stats().totalSlots, 'its prefixes are gone too');
});

t.test('a rank above the room’s is refused, and so is an engine without room', async (t) => {
  const { core } = makeCore({ adapters: new FakeAdapters(2) });
  await t.rejects(core.loadAdapter(1, 'nothing'), { code: 'model_not_readable' });
  const { core: without } = makeCore();
  t.throws(() => without.loadAdapter(1, '1'), { code: 'invalid_request', message: /--enable_lora/ });
});

t.test('loading, unloading, aborting and crashing under load loses nothing', async (t) => {
  const next = random(11);
  const pick = (n: number) => Math.floor(next() * n);
  const config = { ...defaultEngineConfig, enableLora: true, maxLoras: 3, runningMaxReqSize: 6 };
  const client = await RestartingEngineClient.start(inThisThread(loadEngine, config, { faultInjection: true }));
  let wrong = 0;
  const ask = async (salt: number, name: string | undefined) => {
    const prompt = [1 + pick(5), 1 + pick(90)];
    const params = { ...defaultSamplingParams, temperature: 0, maxTokens: 6 };
    const ids: number[] = [];
    const isAborted = pick(8) === 0;
    for await (const { tokenIds } of client.generate(prompt, params, { adapter: name })) {
      ids.push(...tokenIds);
      if (isAborted) return;
    }
    if (ids.join() !== expectedOutput(prompt, 6, false, Infinity, salt).join()) wrong++;
  };
  const asked: Promise<void>[] = [];
  const loaded = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    if (loaded.size < 8) {
      const salt = 1 + pick(500);
      loaded.set(`adapter ${i}`, salt);
      await client.loadAdapter(`adapter ${i}`, String(salt));
    }
    const all = [...loaded];
    const [name, salt] = all[pick(all.length)];
    asked.push(pick(4) === 0 ? ask(0, undefined) : ask(salt, name));
    if (pick(5) === 0) {
      // It is accepted first: who asks for a name that is gone is told so.
      await client.stats().catch(() => undefined);
      await client.unloadAdapter(name);
      loaded.delete(name);
    }
    if (i === 100 || i === 200) client.injectFault('throw');
  }
  await Promise.all(asked);
  t.equal(wrong, 0);
  t.same(
    client.adapters().map(({ name }) => name),
    [...loaded.keys()],
  );
  await client.close();
});
