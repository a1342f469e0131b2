// Requests whose grammar is still being compiled: they count in the queue, can be given up, and hold their adapter.
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { EngineMessage } from '../../src/engine/client/messages.ts';
import type { EngineRequestInit } from '../../src/engine/core/engine-request.ts';
import { EngineLoop } from '../../src/engine/core/engine-loop.ts';
import type { Constraint, Constraints } from '../../src/engine/grammar/constraint.ts';
import { makeCore, request } from '../helpers/engine-driver.ts';
import { expectedOutput, FakeAdapters } from '../helpers/fake-runner.ts';
import { SlowConstraint } from '../helpers/slow-constraint.ts';

const spec = { kind: 'grammar', text: 'root ::= "a"', param: 'guided_grammar' } as const;

/** An engine whose grammars are ready when the test says so. */
function start(t: Test, maxQueuedRequests: number, adapters = new FakeAdapters(2)) {
  const opened: { ready: () => void; readonly signal: AbortSignal | undefined }[] = [];
  const closed: Constraint[] = [];
  const constraints: Constraints = {
    open: (_, _ids, signal) =>
      new Promise((resolve, reject) => {
        const constraint: Constraint = Object.assign(new SlowConstraint(96), {
          close: () => void closed.push(constraint),
        });
        opened.push({ ready: () => resolve(constraint), signal });
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      }),
    close: () => undefined,
  };
  const { core } = makeCore({ config: { runningMaxReqSize: 1, maxQueuedRequests }, adapters });
  const messages: EngineMessage[] = [];
  const loop = new EngineLoop(
    core,
    (message) => {
      messages.push(message);
      wake();
    },
    { faultInjection: false, exit: () => undefined, constraints },
  );
  let wake = (): void => undefined;
  const running = loop.run();
  t.teardown(async () => {
    loop.handle({ type: 'quit' });
    await running;
  });
  /** Waits until the engine has said this of the request. */
  const said = async (requestId: string, type: 'accepted' | 'refused' | 'output') => {
    for (;;) {
      const events = messages.flatMap((message) => (message.type === 'events' ? message.events : []));
      const idOf = (event: (typeof events)[number]) =>
        event.type === 'output' ? event.output.requestId : event.requestId;
      const found = events.find((event) => event.type === type && idOf(event) === requestId);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const add = (id: string, isConstrained: boolean, rest: Partial<EngineRequestInit> = {}) =>
    loop.handle({
      type: 'add',
      request: request(id, [1, 2], { constraint: isConstrained ? spec : null, maxTokens: 1 }, rest),
    });
  const hasBeaten = () => messages.some((message) => message.type === 'events' && message.events.length === 0);
  return { loop, core, opened, closed, said, add, hasBeaten };
}

t.test('while a grammar is compiled the engine says that it is alive, however many requests it refuses', async (t) => {
  const { opened, said, add, hasBeaten } = start(t, 0);
  add('first', true);
  for (let i = 0; !hasBeaten(); i++) {
    add(`refused ${i}`, true);
    await said(`refused ${i}`, 'refused');
    await sleep(100);
  }
  opened[0].ready();
  await said('first', 'accepted');
});

t.test('open compilations take places in the queue', async (t) => {
  const { opened, said, add } = start(t, 1);
  add('first', true);
  add('second', true);
  add('too many', true);
  t.match(await said('too many', 'refused'), { error: { code: 'queue_full' } });
  add('plain', false);
  t.match(await said('plain', 'refused'), { error: { code: 'queue_full' } }, 'for requests without a grammar as well');
  t.equal(opened.length, 2, 'what is refused is not compiled');
  opened[0].ready();
  t.match(await said('first', 'output'), { output: { requestId: 'first' } });
  add('next', false);
  await said('next', 'accepted');
});

t.test('an abort while one is open ends the request at once and gives its place back', async (t) => {
  const { loop, core, opened, closed, said, add } = start(t, 0);
  add('given up', true);
  add('refused', true);
  t.match(await said('refused', 'refused'), { error: { code: 'queue_full' } });
  loop.handle({ type: 'abort', requestId: 'given up' });
  t.equal(opened[0].signal?.aborted, true, 'the compiler hears of it');
  t.match(await said('given up', 'output'), { output: { finishReason: 'abort', tokenIds: [] }, error: null });
  t.match(core.stats(), { running: 0, waiting: 0 });
  add('next', true);
  opened[1].ready();
  await said('next', 'accepted');
  t.equal(closed.length, 0, 'nothing was made of the first');
});

t.test('what an engine before this one had taken is compiled and goes on, however full the queue is', async (t) => {
  const { opened, said, add } = start(t, 0);
  add('first', true);
  add('second', true, { outputIds: [] });
  add('third', false, { outputIds: [] });
  await said('third', 'accepted');
  add('new', false);
  t.match(await said('new', 'refused'), { error: { code: 'queue_full' } });
  for (const { ready } of opened) ready();
  await said('second', 'accepted');
});

t.test('an abort that crosses the grammar ends the request, and the grammar is closed', async (t) => {
  const { loop, core, opened, closed, said, add } = start(t, 1);
  add('given up', true);
  opened[0].ready();
  loop.handle({ type: 'abort', requestId: 'given up' });
  t.match(await said('given up', 'output'), { output: { finishReason: 'abort', tokenIds: [] } });
  t.match(core.stats(), { running: 0, waiting: 0 });
  t.notOk(core.hasWork());
  t.equal(closed.length, 1);
});

const withAdapter = { output: { tokenIds: expectedOutput([1, 2], 1, false, Infinity, 7) } };

t.test('an adapter stays for a request whose grammar is still being compiled when it is unloaded', async (t) => {
  const { loop, core, opened, said, add } = start(t, 10);
  loop.handle({ type: 'load adapter', id: 1, path: '7' });
  add('before', false, { adapter: 1 });
  t.match(await said('before', 'output'), withAdapter);
  add('waits', true, { adapter: 1 });
  add('given up', true, { adapter: 1 });
  loop.handle({ type: 'unload adapter', id: 1 });
  add('late', false, { adapter: 1 });
  t.match(await said('late', 'refused'), { error: { code: 'model_not_found' } });
  opened[0].ready();
  t.match(await said('waits', 'output'), withAdapter);
  t.ok(core.stats().cachedSlots > 0, 'one more uses it');
  loop.handle({ type: 'abort', requestId: 'given up' });
  t.match(await said('given up', 'output'), { output: { finishReason: 'abort' } });
  t.equal(core.stats().freeSlots, core.stats().totalSlots, 'it is gone with its prefixes');
});

t.test('an adapter that is unloaded while it is read serves those who came before, then goes', async (t) => {
  let read = (): void => undefined;
  const isRead = new Promise<void>((resolve) => (read = resolve));
  const adapters = new (class extends FakeAdapters {
    override async read(path: string) {
      await isRead;
      return super.read(path);
    }
  })(2);
  const { loop, core, opened, said, add } = start(t, 10, adapters);
  loop.handle({ type: 'load adapter', id: 1, path: '7' });
  add('constrained', true, { adapter: 1 });
  add('plain', false, { adapter: 1 });
  loop.handle({ type: 'unload adapter', id: 1 });
  add('late', false, { adapter: 1 });
  read();
  t.match(await said('late', 'refused'), { error: { code: 'model_not_found' } });
  t.match(await said('plain', 'output'), withAdapter);
  opened[0].ready();
  t.match(await said('constrained', 'output'), withAdapter);
  t.equal(core.stats().freeSlots, core.stats().totalSlots);
});
