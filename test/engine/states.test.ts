/** Recurrent states and the prefix cache: where snapshots are left, who goes on from them, and what that saves. */
import t from 'tap';
import { StateRows } from '../../src/engine/cache/state-rows.ts';
import { RadixNode } from '../../src/engine/cache/radix-cache.ts';
import { Book, makeCore, request } from '../helpers/engine-driver.ts';
import { expectedOutput } from '../helpers/fake-runner.ts';

const prompt = (length: number, first = 1): number[] =>
  Array.from({ length }, (_, i) => 1 + ((first * i * i + i) % 11));

/** An engine, and what it says of requests that run one after the other. */
function engine(snapshots: number, config = {}) {
  const { core, runner } = makeCore({ config, slots: 2000, maxLen: 1500, states: { snapshots } });
  const book = new Book();
  let n = 0;
  const check = (id: string, ids: readonly number[], maxTokens: number): void => {
    t.same(book.tokens(id), expectedOutput(ids, maxTokens, true, Infinity, 0, true), `${id}: its tokens`);
  };
  /** @returns tokens taken from the cache */
  const run = async (ids: readonly number[], maxTokens = 4): Promise<number> => {
    const id = `${n++}`;
    core.add(request(id, ids, { maxTokens, ignoreEos: true }));
    await book.finishAll(core);
    check(id, ids, maxTokens);
    return book.outputs.get(id)!.usage.cachedTokens;
  };
  return { core, runner, book, run, check };
}

t.test('a prompt is gone on from the deepest snapshot', async (t) => {
  const { run, book } = engine(20);
  const first = prompt(60);
  t.equal(await run(first), 0);
  t.equal(await run(first), 59, 'the same again: all but the last token, which makes the logits');
  const turn = [...first, ...book.tokens('0')!, 5, 6, 7];
  t.equal(await run(turn), 63, 'the next turn: prompt and answer, but for its last token, which was not computed');
  const branch = [...first.slice(0, 20), 12, 13, 14];
  t.equal(await run(branch), 0, 'nobody knew that prompts part here');
  t.equal(await run([...first.slice(0, 20), 13, 13]), 20, 'the second one left a snapshot where it parted');
  t.equal(await run(branch), 22, 'and another in front of its last token');
});

t.test('a long prompt leaves snapshots on its way', async (t) => {
  const { run } = engine(20, { chunkedPrefillSize: 100, batchMaxTokens: 100 });
  const first = prompt(1200);
  await run(first);
  t.equal(await run([...first.slice(0, 1100), 12]), 1024, 'at the multiples of 512');
  t.equal(await run([...first.slice(0, 1100), 13]), 1100);
});

t.test('n requests with one prompt compute it once', async (t) => {
  for (const overlap of [true, false]) {
    const { core, runner, book, check } = engine(20, { overlap, batchMaxTokens: 200, chunkedPrefillSize: 200 });
    const ids = prompt(60);
    for (const id of 'abcd') core.add(request(id, ids, { maxTokens: 1, ignoreEos: true }));
    await book.finishAll(core);
    for (const id of 'abcd') check(id, ids, 1);
    t.equal(runner.tokensComputed, 60 + 3, 'the others compute its last token');
  }
});

t.test('keys without states are computed again, in their own slots', async (t) => {
  const { core, run } = engine(0);
  const ids = prompt(60);
  t.equal(await run(ids), 0);
  const { pool } = core.scheduler.kv;
  const { free } = pool;
  t.equal(await run(ids), 0, 'no room for snapshots');
  t.equal(pool.free, free, 'and no second copy of the keys');
  t.equal(core.scheduler.kv.states!.free, 8, 'all rows are back');
});

t.test('snapshots make room for others, the least recently used first', async (t) => {
  const { core, run } = engine(3);
  const [a, b] = [prompt(40), [9, ...prompt(39, 3)]];
  await run(a);
  await run(b);
  t.equal(core.scheduler.kv.states!.snapshots, 3);
  t.equal(await run(b), 39, 'both of b are left');
  t.equal(await run(a), 0, 'that in front of the last token of a is gone');
});

t.test('a pause keeps the states as long as the keys', async (t) => {
  const { core } = makeCore({
    config: { runningMaxReqSize: 3, schedulerPolicy: 'fcfs' },
    slots: 100,
    maxLen: 90,
    states: { snapshots: 6 },
  });
  const book = new Book();
  let pauses = 0;
  const prompts = [prompt(30), prompt(30, 3), prompt(30, 5)];
  prompts.forEach((ids, i) => core.add(request(`${i}`, ids, { maxTokens: 40, ignoreEos: true })));
  await book.finishAll(core, () => (pauses += core.scheduler.paused.length));
  t.ok(pauses > 0, `${pauses} pauses`);
  for (const [i, ids] of prompts.entries())
    t.same(book.tokens(`${i}`), expectedOutput(ids, 40, true, Infinity, 0, true), 'the same tokens');
});

t.test('the cache is flushed with its snapshots', async (t) => {
  const { core, run } = engine(9);
  await run(prompt(60));
  core.flushCache();
  t.equal(core.scheduler.kv.states!.free, 8 + 9);
  t.equal(await run(prompt(60)), 0);
});

t.test('what runs of one step may not do to each other', async (t) => {
  const node = () => new RadixNode(Uint32Array.of(1), Uint32Array.of(0), null);
  const rows = new StateRows(2, 1);
  const [a, b] = [node(), node()];
  const row = rows.keep(a);
  t.not(row, null);
  t.notOk(rows.isReadable(a), 'what this step writes is read from the next one on');
  t.equal(rows.keep(b), null, 'and not given to somebody else');
  rows.beginStep();
  t.ok(rows.isReadable(a));
  rows.read(rows.await(a));
  t.equal(rows.keep(b), null, 'what this step reads is not overwritten in it');
  rows.beginStep();
  rows.await(a);
  t.equal(rows.keep(b), null, 'nor what a request will read');
  rows.forgo(row!);
  t.equal(rows.keep(b), row, 'then it makes room');
  t.equal(a.state, null);
});
