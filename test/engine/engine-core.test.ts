import t from 'tap';
import { Book, makeCore, request, type Setup } from '../helpers/engine-driver.ts';
import { expectedOutput, fakeEos } from '../helpers/fake-runner.ts';

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
    const book = await new Book().finishAll(core, () => (pauses += core.scheduler.paused.length));
    t.same(
      prompts.map((_, i) => book.tokens(`r${i}`)),
      expected,
      name,
    );
    if (name.startsWith('many pauses')) t.ok(pauses > 0, 'requests were paused');
    const { freeSlots, cachedSlots, totalSlots } = core.stats();
    t.equal(freeSlots + cachedSlots, totalSlots, 'all slots are free or spare at the end');
  }
});

t.test('the prefix cache', async (t) => {
  const shared = Array.from({ length: 100 }, (_, i) => 1 + ((i * 17) % 90));

  t.test('a second request computes only what it does not share, and says so', async (t) => {
    const { core, runner } = makeCore();
    const first = [...shared, 5, 6, 7];
    const second = [...shared, 8, 9];
    core.add(request('a', first, { maxTokens: 4, ignoreEos: true }));
    const book = await new Book().finishAll(core);
    t.equal(book.outputs.get('a')?.usage.cachedTokens, 0);
    const before = runner.tokensComputed;
    core.add(request('b', second, { maxTokens: 1 }));
    await book.finishAll(core);
    t.equal(runner.tokensComputed - before, 2);
    t.same(book.outputs.get('b')?.usage, { promptTokens: 102, completionTokens: 1, cachedTokens: 100 });
    t.same(book.tokens('b'), expectedOutput(second, 1));
  });

  t.test('the answer is cached too: the next turn of a chat computes only the new message', async (t) => {
    const { core, runner } = makeCore();
    core.add(request('a', shared, { maxTokens: 10, ignoreEos: true }));
    const book = await new Book().finishAll(core);
    const next = [...shared, ...book.tokens('a')!, 3, 4, 5];
    const before = runner.tokensComputed;
    core.add(request('b', next, { maxTokens: 1 }));
    await book.finishAll(core);
    // The last token of the first answer was sampled but never fed (plain loop), or fed as surplus (overlapped).
    t.ok(runner.tokensComputed - before <= 4, `computed ${runner.tokensComputed - before}`);
    t.same(book.tokens('b'), expectedOutput(next, 1));
  });

  t.test('n requests with the same prompt compute it once, even when they arrive together', async (t) => {
    const { core, runner } = makeCore({ config: { overlap: false } });
    for (let i = 0; i < 4; i++) core.add(request(`n${i}`, shared, { maxTokens: 1 }));
    const book = await new Book().finishAll(core);
    t.equal(runner.tokensComputed, 100 + 3, 'the prompt once, and the last token of each other');
    for (let i = 0; i < 4; i++) t.same(book.tokens(`n${i}`), expectedOutput(shared, 1));
  });

  t.test('turned off, every prompt is computed', async (t) => {
    const { core, runner } = makeCore({ config: { disableDynamicPromptCache: true } });
    for (const id of ['a', 'b']) core.add(request(id, shared, { maxTokens: 1 }));
    const book = await new Book().finishAll(core);
    t.equal(runner.tokensComputed, 200);
    t.equal(book.outputs.get('b')?.usage.cachedTokens, 0);
  });
});

t.test('a long prompt never holds up a running answer', async (t) => {
  const { core } = makeCore({ slots: 2000, maxLen: 1000, config: { overlap: false } });
  const book = new Book();
  core.add(request('answer', [1, 2, 3], { maxTokens: 30, ignoreEos: true }));
  await book.step(core);
  core.add(
    request(
      'long',
      Array.from({ length: 600 }, (_, i) => 1 + (i % 50)),
    ),
  );
  for (let step = 2; step <= 20; step++) {
    await book.step(core);
    t.equal(book.tokens('answer')?.length, step, 'one token every step');
  }
  t.equal(book.tokens('long'), undefined, 'while the prompt is still being read');
});

t.test('stop conditions', async (t) => {
  const prompt = [7, 8, 9];
  const free = expectedOutput(prompt, 40, true);
  for (const overlap of [false, true]) {
    const { core } = makeCore({ config: { overlap } });
    const stop = free[4];
    const at = free.indexOf(stop);
    core.add(request('length', prompt, { maxTokens: 12, ignoreEos: true }));
    core.add(request('stop', prompt, { maxTokens: 40, ignoreEos: true, stopTokenIds: [stop] }));
    core.add(request('one', prompt, { maxTokens: 1 }));
    core.add(request('context', prompt, { maxTokens: Infinity, ignoreEos: true }));
    const { outputs } = await new Book().finishAll(core);
    t.match(outputs.get('length'), { tokenIds: free.slice(0, 12), finishReason: 'length', stopTokenId: null });
    t.match(outputs.get('stop'), { tokenIds: free.slice(0, at + 1), finishReason: 'stop', stopTokenId: stop });
    t.match(outputs.get('one'), { tokenIds: free.slice(0, 1), finishReason: 'length' });
    t.match(outputs.get('context'), { finishReason: 'length', usage: { completionTokens: 197 } });
  }
  const ends = Array.from({ length: 90 }, (_, i) => [i + 1, 3]).find((p) => expectedOutput(p, 50).at(-1) === fakeEos)!;
  const { core } = makeCore();
  core.add(request('eos', ends, { maxTokens: 60 }));
  const { outputs } = await new Book().finishAll(core);
  t.match(outputs.get('eos'), { tokenIds: expectedOutput(ends, 60), finishReason: 'stop', stopTokenId: fakeEos });
});

t.test('abort at every stage frees the slots and ends with what there was', async (t) => {
  const { core } = makeCore({ config: { runningMaxReqSize: 2 } });
  const book = new Book();
  for (const id of ['decoding', 'prefilling', 'waiting']) {
    core.add(request(id, id === 'prefilling' ? new Array<number>(90).fill(9) : [1, 2], { ignoreEos: true }));
  }
  core.add(request('before', [4]));
  core.abort('before');
  core.abort('unknown');
  await book.step(core);
  await book.step(core);
  t.equal(book.outputs.get('before')?.finishReason, 'abort');
  for (const id of ['decoding', 'prefilling', 'waiting']) core.abort(id);
  await book.finishAll(core);
  for (const id of ['decoding', 'prefilling', 'waiting']) t.equal(book.outputs.get(id)?.finishReason, 'abort', id);
  t.ok(book.tokens('decoding')!.length > 0);
  t.match(core.stats(), { running: 0, waiting: 0, paused: 0 });
  t.equal(core.stats().freeSlots + core.stats().cachedSlots, core.stats().totalSlots);
});

t.test('what is not accepted', async (t) => {
  const { core } = makeCore({ config: { runningMaxReqSize: 1, maxQueuedRequests: 1 }, slots: 100, maxLen: 50 });
  const refuses = (code: string, init: ReturnType<typeof request>): void => {
    t.throws(() => core.add(init), { code });
  };
  refuses('invalid_request', request('x', []));
  refuses('invalid_value', request('x', [97]));
  refuses('invalid_value', request('x', [1.5]));
  refuses('invalid_value', request('x', [1], { allowedTokenIds: [500] }));
  refuses('context_length_exceeded', request('x', new Array<number>(50).fill(1), { maxTokens: Infinity }));
  refuses('context_length_exceeded', request('x', new Array<number>(40).fill(1), { maxTokens: 11 }));
  core.add(request('a', [1], {}, { deadline: Date.now() - 1 }));
  refuses('invalid_value', request('a', [1]));
  core.add(request('b', [1]));
  refuses('queue_full', request('c', [1]));
  const book = await new Book().finishAll(core);
  t.equal(book.refused.get('a'), 'deadline_exceeded');
  t.same(book.tokens('b'), expectedOutput([1], 20));
  t.throws(() => makeCore({ config: { batchMaxTokens: 4 } }), { code: 'bad_flag' });
});

t.test('the queue holds those that find no free row', async (t) => {
  const { core } = makeCore({ config: { runningMaxReqSize: 8, maxQueuedRequests: 4 } });
  const book = new Book();
  let sent = 0;
  const fill = (): number => {
    for (let count = 0; ; count++) {
      try {
        core.add(request(`r${sent++}`, [1 + sent], { maxTokens: 5, ignoreEos: true }));
      } catch (error) {
        t.match(error, { code: 'queue_full' });
        return count;
      }
    }
  };
  t.equal(fill(), 8 + 4, 'all at once to an idle engine');
  await book.step(core);
  t.match(core.stats(), { running: 8, waiting: 4 });
  t.equal(fill(), 0);
  await book.finishAll(core);
  t.equal(fill(), 12);
});

t.test('without a queue a request is taken while a row is free', async (t) => {
  const { core } = makeCore({ config: { runningMaxReqSize: 1, maxQueuedRequests: 0 } });
  core.add(request('first', [1]));
  t.throws(() => core.add(request('second', [1])), { code: 'queue_full' });
  const book = await new Book().finishAll(core);
  core.add(request('third', [2]));
  await book.finishAll(core);
  t.same(book.tokens('third'), expectedOutput([2], 20));
});

t.test('a paused request keeps its place: the row that it left is not given to another one', async (t) => {
  const config = { schedulerPolicy: 'fcfs', runningMaxReqSize: 2, maxQueuedRequests: 0 } as const;
  const { core } = makeCore({ config, slots: 60, maxLen: 50 });
  for (const id of ['older', 'newer']) core.add(request(id, [1, 2, id.length], { maxTokens: 40, ignoreEos: true }));
  const book = new Book();
  while (core.stats().paused === 0) await book.step(core);
  t.throws(() => core.add(request('next', [1])), { code: 'queue_full' });
  await book.finishAll(core);
  t.equal(book.tokens('newer')?.length, 40);
});

t.test('a full queue does not refuse what an engine before this one had taken', async (t) => {
  const { core } = makeCore({ config: { runningMaxReqSize: 1, maxQueuedRequests: 1 } });
  const prompts = Array.from({ length: 5 }, (_, i) => [1 + i, 2]);
  const had = prompts.map((prompt, i) => expectedOutput(prompt, i, true));
  for (const [i, prompt] of prompts.entries()) {
    const params = { maxTokens: 10, ignoreEos: true };
    core.add(request(`r${i}`, prompt, params, { outputIds: had[i] }));
  }
  t.throws(() => core.add(request('new', [1])), { code: 'queue_full' });
  const book = await new Book().finishAll(core);
  for (const [i, prompt] of prompts.entries()) {
    t.same([...had[i], ...(book.tokens(`r${i}`) ?? [])], expectedOutput(prompt, 10, true), `r${i}`);
  }
});
