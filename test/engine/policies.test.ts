import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { aggressive } from '../../src/engine/scheduling/policies/aggressive.ts';
import { conservative } from '../../src/engine/scheduling/policies/conservative.ts';
import { LengthWindow } from '../../src/engine/scheduling/policies/length-window.ts';
import { PastFuturePolicy } from '../../src/engine/scheduling/policies/past-future.ts';
import { peakSlots } from '../../src/engine/scheduling/policies/peak.ts';
import type {
  AdmissionPolicy,
  PolicyKind,
  PoolLoad,
  RequestLoad,
} from '../../src/engine/scheduling/policies/policy.ts';
import { Book, makeCore, request } from '../helpers/engine-driver.ts';

t.test('the peak formula is what stepping through the future finds', async (t) => {
  const load = fc.record({ held: fc.integer({ min: 1, max: 50 }), remaining: fc.integer({ min: 0, max: 30 }) });
  const check = fc.property(fc.array(load, { maxLength: 12 }), (loads) => {
    let peak = 0;
    for (let step = 0; step <= 30; step++) {
      const running = loads.filter(({ remaining }) => remaining >= step);
      peak = Math.max(
        peak,
        running.reduce((sum, { held }) => sum + held + step, 0),
      );
    }
    const held = loads.map((one) => one.held);
    const remaining = loads.map((one) => one.remaining);
    assert.equal(peakSlots(held, remaining), peak);
  });
  t.doesNotThrow(() => fc.assert(check, { seed: 1 }));
});

t.test('lengths are drawn from those that are still possible', async (t) => {
  const window = new LengthWindow(4);
  t.equal(window.sampleAbove(0, 100, 0.5), 100, 'nothing seen: the most it can get');
  for (const length of [1000, 10, 20, 30, 40]) window.add(length);
  t.equal(window.sampleAbove(0, 100, 0), 10, 'the oldest has left the window');
  t.equal(window.sampleAbove(25, 100, 0), 30);
  t.equal(window.sampleAbove(25, 100, 0.25), 35, 'interpolated');
  t.equal(window.sampleAbove(25, 100, 0.5), 40);
  t.equal(window.sampleAbove(25, 100, 0.75), 70, 'towards the most it can get');
  t.equal(window.sampleAbove(40, 100, 0), 100, 'beyond all that was seen');
  t.equal(window.sampleAbove(0, 15, 0.4), 15, 'never more than it may produce');
});

t.test('what each policy admits', async (t) => {
  const pool: PoolLoad = { capacity: 1000, shared: 100 };
  const running: RequestLoad[] = [{ held: 300, generated: 50, maxNewTokens: 250 }];
  const candidate: RequestLoad = { held: 100, generated: 0, maxNewTokens: 200 };
  const admitted = (policy: AdmissionPolicy, next = candidate): number => {
    policy.begin(pool, running);
    let n = 0;
    while (n < 50 && policy.admit(next)) n++;
    return n;
  };
  const at = (kind: PolicyKind, name: string) => kind.settings!.find((setting) => setting.name === name)!.create();
  const short = { ...candidate, held: 20 };
  t.equal(admitted(at(aggressive, 'watermark 0.99'), short), 29, '(990 - 100 - 300) / 20');
  t.equal(admitted(aggressive.create(), short), 27, '(950 - 100 - 300) / 20');
  t.equal(admitted(at(aggressive, 'watermark 0.9'), short), 25, '(900 - 100 - 300) / 20');
  t.equal(admitted(conservative.create()), 1, '(1000 - 100 - 500) / 300');
  t.equal(admitted(at(conservative, 'overcommit 1.5')), 3, '(1500 - 100 - 500) / 300');
  const pastFuture = new PastFuturePolicy({ reserved: 0 });
  t.equal(admitted(pastFuture), 1, 'no past: as conservative, by the peak: 300 + 100·n + 200·(n + 1) ≤ 900');
  for (let i = 0; i < 1000; i++) pastFuture.observe(60);
  t.equal(admitted(pastFuture), 5, 'answers are short, 60: 300 + 100·n + 10·(n + 1) ≤ 900, then 100·n + 60·n');
});

t.test('with Past-Future the same load fits with far fewer pauses than without admission control', async (t) => {
  const pauses = async (schedulerPolicy: 'past-future' | 'fcfs'): Promise<number> => {
    const { core } = makeCore({ config: { schedulerPolicy, maxQueuedRequests: 1000 }, slots: 300, maxLen: 100 });
    for (let i = 0; i < 150; i++) {
      const prompt = Array.from({ length: 10 + ((i * 7) % 30) }, (_, j) => 1 + ((i * 13 + j * j) % 90));
      core.add(request(`${i}`, prompt, { maxTokens: 55, minTokens: 0, ignoreEos: false }));
    }
    const paused = new Set<unknown>();
    const book = new Book();
    await book.finishAll(core, () => core.scheduler.paused.forEach((one) => paused.add(one)));
    t.equal([...book.outputs.values()].filter((output) => output.finishReason !== null).length, 150);
    return paused.size;
  };
  const [without, with_] = [await pauses('fcfs'), await pauses('past-future')];
  t.ok(without > 20, `${without}`);
  t.ok(with_ < without / 3, `${with_} of ${without}`);
});

t.test('a prefix that several requests share counts once', async (t) => {
  const seen: { pool: PoolLoad; running: RequestLoad[] }[] = [];
  const spy: AdmissionPolicy = {
    begin: (pool, running) => void seen.push({ pool, running: [...running] }),
    admit: () => true,
    observe: () => undefined,
  };
  const { core } = makeCore({ policy: spy, config: { overlap: false } });
  const shared = Array.from({ length: 20 }, (_, i) => i + 1);
  core.add(request('a', [...shared, 50, 51], { ignoreEos: true }));
  core.add(request('b', [...shared, 60], { ignoreEos: true }));
  const book = new Book();
  for (let i = 0; i < 4; i++) await book.step(core);
  core.add(request('c', shared, { ignoreEos: true }));
  await book.step(core);
  const { pool, running } = seen.at(-1)!;
  t.equal(pool.shared, 20);
  // What each has of its own: the prompt's end and the tokens so far, the last of which is about to be computed.
  t.same(
    running.map(({ held }) => held),
    [2 + book.tokens('a')!.length - 1, 1 + book.tokens('b')!.length - 1],
  );
});
