/** The same client over a worker thread and in-process; what starts several engines is tested in-process only, where it is quick. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineError } from '../../src/errors.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import {
  inThisThread,
  inWorker,
  type TokenFacts,
  type EngineTransport,
  type StartEngine,
} from '../../src/engine/client/engine-transport.ts';
import type {
  EngineCommand,
  EngineEvent,
  EngineMessage,
  RequestReport,
  StepReport,
} from '../../src/engine/client/messages.ts';
import {
  defaultSamplingParams,
  type GenerateOptions,
  type RequestOutput,
  type SamplingParams,
} from '../../src/engine/core/types.ts';
import { loadEngine } from '../helpers/fake-loader.ts';
import { expectedOutput, fakeInfo } from '../helpers/fake-runner.ts';

const loader = new URL('../helpers/fake-loader.ts', import.meta.url).href;
const greedy = { ...defaultSamplingParams, temperature: 0, maxTokens: 30, ignoreEos: true };

interface Answer {
  readonly tokens: number[];
  readonly last: RequestOutput | undefined;
}

async function collect(outputs: AsyncIterable<RequestOutput>): Promise<Answer> {
  const tokens: number[] = [];
  let last: RequestOutput | undefined;
  for await (const output of outputs) {
    tokens.push(...output.tokenIds);
    last = output;
  }
  return { tokens, last };
}

const worker: StartEngine = inWorker({ config: defaultEngineConfig, loader, faultInjection: true });
const inProcess = (config: Partial<EngineConfig> = {}): StartEngine =>
  inThisThread(loadEngine, { ...defaultEngineConfig, ...config }, { faultInjection: true });

function generate(
  client: RestartingEngineClient,
  prompt: number[],
  params: Partial<SamplingParams> = {},
  options: GenerateOptions = {},
): Promise<Answer> {
  return collect(client.generate(prompt, { ...greedy, ...params }, options));
}

/** Waits until the engine has nothing to do; its last outputs are in the client then, since messages keep their order. */
async function untilIdle(client: RestartingEngineClient): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    const { running, waiting } = await client.stats();
    if (running + waiting === 0) return;
    await sleep(5);
  }
  throw new Error('The engine is still busy.');
}

function nextStep(): Promise<void> {
  return new Promise((resolve) => {
    const onStep = (): void => {
      unsubscribe('dawnlight:step', onStep);
      resolve();
    };
    subscribe('dawnlight:step', onStep);
  });
}

t.test('what ends turns by the tokenizer reaches an engine in a worker', async (t) => {
  const client = await RestartingEngineClient.start(
    inWorker({
      config: defaultEngineConfig,
      loader,
      faultInjection: false,
      tokens: { endTokenIds: [77], vocabulary: null },
    }),
  );
  t.teardown(() => client.close());
  t.ok(client.info.eosTokenIds.includes(77));
});

t.test('an engine starts before the tokenizer is read, and does not outlive its failure', async (t) => {
  const options = { config: defaultEngineConfig, loader, faultInjection: false };
  let read: (facts: TokenFacts) => void = () => undefined;
  const tokens = new Promise<TokenFacts>((resolve) => (read = resolve));
  let isLoaded = false;
  const onProgress = (): void => {
    isLoaded = true;
    read({ endTokenIds: [78], vocabulary: null });
  };
  const client = await RestartingEngineClient.start(inWorker({ ...options, tokens }), { onProgress });
  t.ok(isLoaded);
  t.ok(client.info.eosTokenIds.includes(78));
  await client.close();

  const failing = inWorker({
    ...options,
    tokens: Promise.reject(new EngineError('model_not_readable', 'no template')),
  });
  const gone: Promise<void>[] = [];
  const start: StartEngine = (onMessage) => {
    const transport = failing(onMessage);
    gone.push(transport.gone());
    return transport;
  };
  await t.rejects(RestartingEngineClient.start(start), { code: 'model_not_readable', message: 'no template' });
  await Promise.all(gone);
});

for (const [way, start] of Object.entries({ 'in a worker': worker, 'in-process': inProcess() })) {
  t.test(way, async (t) => {
    const client = await RestartingEngineClient.start(start);
    t.teardown(() => client.close());

    t.test('several requests at once, each its own tokens', async (t) => {
      t.equal(client.health(), 'ok');
      t.equal(client.info.vocabSize, 97);
      const prompts = Array.from({ length: 10 }, (_, i) => [i + 1, 2 * i + 1]);
      const answers = await Promise.all(prompts.map((prompt) => generate(client, prompt)));
      t.same(
        answers.map(({ tokens }) => tokens),
        prompts.map((prompt) => expectedOutput(prompt, 30, true)),
      );
      t.match(answers[0].last, { finishReason: 'length', usage: { promptTokens: 2, completionTokens: 30 } });
      t.match(await client.stats(), { running: 0, totalSlots: 1000 });
    });

    t.test('a slow reader gets everything, joined', async (t) => {
      const iterator = client.generate([5, 6], greedy)[Symbol.asyncIterator]();
      const first = await iterator.next();
      await untilIdle(client);
      const second = await iterator.next();
      const both = [...(first.value as RequestOutput).tokenIds, ...(second.value as RequestOutput).tokenIds];
      t.same(both, expectedOutput([5, 6], 30, true));
      t.equal((second.value as RequestOutput).finishReason, 'length');
      t.equal((await iterator.next()).done, true);
    });

    t.test('a reader that leaves too much unread loses its request, and its slots are free', async (t) => {
      const outputs = client.generate([5, 6], { ...greedy, maxTokens: 290 }, { maxUnread: 20 });
      await outputs.next();
      await untilIdle(client);
      await t.rejects(outputs.next(), { code: 'slow_reader', message: /more than 20 tokens/ });
      const kept = client.generate([5, 6], greedy, { maxUnread: 30 });
      await kept.next();
      await untilIdle(client);
      t.equal((await kept.next()).value?.finishReason, 'length', 'within the limit nothing is lost');
    });

    t.test('aborted before, midway, and by closing the iterator', async (t) => {
      const before = await generate(client, [1], {}, { signal: AbortSignal.abort() });
      t.match(before, { tokens: [], last: { finishReason: 'abort' } });

      const controller = new AbortController();
      const tokens: number[] = [];
      let reason: unknown;
      for await (const output of client.generate(
        [1, 2],
        { ...greedy, maxTokens: 290 },
        { signal: controller.signal },
      )) {
        tokens.push(...output.tokenIds);
        if (tokens.length > 3) controller.abort();
        reason = output.finishReason;
      }
      t.equal(reason, 'abort');
      t.ok(tokens.length < 280);

      for await (const _ of client.generate([3, 4], { ...greedy, maxTokens: 290 })) break;
      await sleep(50);
      t.match(await client.stats(), { running: 0, waiting: 0 }, 'closed iterators free their slots');
    });

    t.test('refusals arrive at the first next()', async (t) => {
      await t.rejects(generate(client, []), { code: 'invalid_request', param: 'prompt' });
      await t.rejects(generate(client, [1], { maxTokens: 10_000 }), { code: 'context_length_exceeded' });
    });

    t.test('steps and requests are published', async (t) => {
      const steps: StepReport[] = [];
      const requests: RequestReport[] = [];
      const onStep = (message: unknown): void => void steps.push(message as StepReport);
      const onRequest = (message: unknown): void => void requests.push(message as RequestReport);
      subscribe('dawnlight:step', onStep);
      subscribe('dawnlight:request', onRequest);
      await generate(client, [91, 92, 93, 94], { maxTokens: 5 }, { requestId: 'seen' });
      unsubscribe('dawnlight:step', onStep);
      unsubscribe('dawnlight:request', onRequest);
      t.equal(steps[0].prefillTokens, 4);
      t.ok(steps.some((step) => step.decodeTokens === 1 && step.stats.running === 1));
      t.match(requests, [{ requestId: 'seen', completionTokens: 5, finishReason: 'length', timeToFirstToken: Number }]);
    });

    t.test('an engine that dies is replaced, and every request goes on', async (t) => {
      const prompts = Array.from({ length: 6 }, (_, i) => [i + 1, 50]);
      const answers = Promise.all(prompts.map((prompt) => generate(client, prompt, { maxTokens: 60 })));
      await sleep(60);
      client.injectFault(way === 'in a worker' ? 'exit' : 'throw');
      while (client.health() === 'ok') await sleep(1);
      t.equal(client.health(), 'loading', 'and health says so meanwhile');
      const late = generate(client, [77], { maxTokens: 60 });
      const gone = await generate(client, [78], {}, { signal: AbortSignal.timeout(5) });
      t.equal(gone.last?.finishReason, 'abort', 'a request aborted while it is down');
      t.same(
        (await answers).map(({ tokens }) => tokens),
        prompts.map((prompt) => expectedOutput(prompt, 60, true)),
      );
      t.same((await late).tokens, expectedOutput([77], 60, true), 'a request that came while it was down');
      t.equal(client.health(), 'ok');
    });

    t.test('an engine that hangs is left alone and replaced, and every request goes on', async (t) => {
      for (const fault of way === 'in a worker' ? (['hang', 'freeze'] as const) : (['hang'] as const)) {
        const engines: EngineTransport[] = [];
        const kept: StartEngine = (onMessage) => engines[engines.push(start(onMessage)) - 1];
        const client = await RestartingEngineClient.start(kept, { stepTimeout: 1.5 });
        t.teardown(() => client.close());
        const prompts = Array.from({ length: 3 }, (_, i) => [i + 1, 51]);
        const answers = Promise.all(prompts.map((prompt) => generate(client, prompt, { maxTokens: 250 })));
        await nextStep();
        client.injectFault(fault);
        while (client.health() === 'ok') await sleep(1);
        t.equal(client.health(), 'loading', 'and health says so');
        t.same(
          (await answers).map(({ tokens }) => tokens),
          prompts.map((prompt) => expectedOutput(prompt, 250, true)),
          fault,
        );
        t.equal(client.health(), 'ok');
        t.equal(engines.length, 2);
        await engines[0].gone();
        t.pass('the old one has ended');
      }
    });

    t.test('closing finishes what runs and takes nothing new', async (t) => {
      const running = generate(client, [9, 9]);
      const closed = client.close();
      t.equal(client.health(), 'draining');
      await t.rejects(generate(client, [1]), { code: 'draining' });
      t.same((await running).tokens, expectedOutput([9, 9], 30, true));
      await closed;
      t.equal(client.health(), 'dead');
      await t.rejects(generate(client, [1]), { code: 'engine_dead' });
    });
  });
}

t.test('a full queue refuses', async (t) => {
  const client = await RestartingEngineClient.start(inProcess({ maxQueuedRequests: 1, runningMaxReqSize: 1 }));
  const accepted: number[] = [];
  const ask = async (i: number): Promise<void> => {
    const options = { onAccepted: () => void accepted.push(i) };
    for await (const _ of client.generate([i + 1], { ...defaultSamplingParams, maxTokens: 5 }, options));
  };
  const busy = await Promise.allSettled(Array.from({ length: 6 }, (_, i) => ask(i)));
  const refused = busy.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  t.ok(refused.length >= 1 && refused.length <= 5);
  for (const error of refused) t.match(error, { code: 'queue_full' });
  t.equal(accepted.length, 6 - refused.length, 'those that were taken were told so, once');
  await client.close();
});

t.test('a crash of a full engine refuses none of its answers', async (t) => {
  const client = await RestartingEngineClient.start(inProcess({ maxQueuedRequests: 1, runningMaxReqSize: 4 }));
  let accepted = 0;
  const answers = Array.from({ length: 5 }, (_, i) => {
    const onAccepted = () => {
      if (++accepted === 5) client.injectFault('throw');
    };
    return generate(client, [i + 1], {}, { onAccepted });
  });
  for (const [i, answer] of answers.entries()) t.same((await answer).tokens, expectedOutput([i + 1], 30, true));
  await client.close();
});

t.test('a model that cannot be loaded', async (t) => {
  const start = RestartingEngineClient.start(inProcess({ modelDir: 'missing' }));
  await t.rejects(start, { code: 'model_not_readable', param: 'model_dir' });
});

t.test('an idle engine is not taken for a hung one', async (t) => {
  let engines = 0;
  const start: StartEngine = (onMessage) => {
    engines++;
    return inProcess()(onMessage);
  };
  const client = await RestartingEngineClient.start(start, { stepTimeout: 0.1 });
  await generate(client, [1]);
  await sleep(500);
  await generate(client, [2]);
  t.equal(engines, 1);
  await client.close();
});

t.test('an engine that hangs again and again stays dead, and closing does not wait for it', async (t) => {
  const client = await RestartingEngineClient.start(inProcess(), { stepTimeout: 0.05 });
  const answer = generate(client, [1], { maxTokens: 290 }).catch((error: unknown) => error);
  await sleep(20);
  while (client.health() !== 'dead') {
    if (client.health() === 'ok') client.injectFault('hang');
    await sleep(5);
  }
  t.match(await answer, { code: 'engine_dead', message: /no sign of life for 0.05 s/ });
  await client.close();
});

t.test('an engine that keeps dying stays dead, and says so', async (t) => {
  const client = await RestartingEngineClient.start(inProcess());
  const answer = generate(client, [1], { maxTokens: 290 }).catch((error: unknown) => error);
  while (client.health() !== 'dead') {
    if (client.health() === 'ok') client.injectFault('throw');
    await sleep(1);
  }
  t.match(await answer, { code: 'engine_dead' });
  await t.rejects(generate(client, [1]), { code: 'engine_dead' });
  await t.rejects(client.stats(), { code: 'engine_dead' });
  await client.close();
});

/** Engines that say what the test lets them say; what they are told is kept. */
function scripted(): { start: StartEngine; told: EngineCommand[][]; say: (message: EngineMessage) => void } {
  const told: EngineCommand[][] = [];
  let say: (message: EngineMessage) => void;
  const start: StartEngine = (onMessage) => {
    const commands: EngineCommand[] = [];
    told.push(commands);
    say = onMessage;
    queueMicrotask(() => onMessage({ type: 'ready', info: fakeInfo(1000, 300) }));
    return { post: (command) => void commands.push(command), gone: () => Promise.resolve(), abandon: () => undefined };
  };
  return { start, told, say: (message) => say(message) };
}

const crash: EngineMessage = { type: 'dead', error: { code: 'engine_dead', message: 'a crash', param: null } };
const added = (commands: readonly EngineCommand[]) =>
  commands.flatMap((command) => (command.type === 'add' ? [command.request] : []));
const says = (...events: EngineEvent[]): EngineMessage => ({ type: 'events', events, step: null });

function outputOf(id: string, tokenIds: number[], finishReason: 'abort' | 'length' | null = null): EngineEvent {
  const usage = { promptTokens: 1, completionTokens: tokenIds.length, cachedTokens: 0 };
  const nothing = { logprobs: null, promptLogprobs: null, pooled: null, stopTokenId: null };
  return {
    type: 'output',
    output: { requestId: id, tokenIds, ...nothing, finishReason, usage },
    error: null,
    report: null,
  };
}

t.test('new requests are no sign of life of an engine that hangs', async (t) => {
  const { start, told, say } = scripted();
  const client = await RestartingEngineClient.start(start, { stepTimeout: 0.2 });
  const answers: Promise<unknown>[] = [];
  while (told.length < 2) {
    answers.push(generate(client, [1]).catch((error: unknown) => error));
    say(says({ type: 'accepted', requestId: added(told[0]).at(-1)!.id }));
    await sleep(20);
  }
  t.equal(added(told[1]).length, answers.length, 'its hanging is noticed, and all go to the next one');
  while (client.health() !== 'dead') {
    say(crash);
    await sleep(1);
  }
  await Promise.all(answers);
});

t.test('a request whose caller is gone goes to no other engine', async (t) => {
  const { start, told, say } = scripted();
  const client = await RestartingEngineClient.start(start);
  const gone = new AbortController();
  const [left, stays] = [generate(client, [1], {}, { signal: gone.signal }), generate(client, [2])];
  gone.abort();
  t.match(told[0].at(-1), { type: 'abort' });
  say(crash);
  t.match(await left, { tokens: [], last: { finishReason: 'abort' } });
  while (client.health() !== 'ok') await sleep(1);
  t.same(
    added(told[1]).map(({ promptIds }) => promptIds),
    [[2]],
  );
  say(says(outputOf(added(told[1])[0].id, [5], 'length')));
  t.same((await stays).tokens, [5]);
});

t.test('an answer that has begun has had its turn in the queue when it goes to another engine', async (t) => {
  const { start, told, say } = scripted();
  const client = await RestartingEngineClient.start(start);
  const deadline = Date.now() + 1000;
  const answers = [1, 2, 3].map((prompt) => generate(client, [prompt], {}, { deadline }));
  const [begun, accepted] = added(told[0]).map(({ id }) => id);
  say(says({ type: 'accepted', requestId: begun }, { type: 'accepted', requestId: accepted }, outputOf(begun, [7])));
  say(crash);
  while (client.health() !== 'ok') await sleep(1);
  const again = added(told[1]);
  t.match(again[0], { outputIds: [7], deadline: undefined });
  t.match(again[1], { outputIds: [], deadline }, 'one that waits still has its deadline');
  t.match(again[2], { outputIds: undefined, deadline }, 'and one that no queue has taken is new');
  for (const { id } of again) say(says(outputOf(id, [8], 'length')));
  t.same(
    (await Promise.all(answers)).map(({ tokens }) => tokens),
    [[7, 8], [8], [8]],
  );
});

t.test('an id may be used again while an engine still ends the request before', async (t) => {
  const { start, told, say } = scripted();
  const client = await RestartingEngineClient.start(start);
  const first = client.generate([1], greedy, { requestId: 'x' });
  const begun = first.next();
  await t.rejects(generate(client, [2], {}, { requestId: 'x' }), { code: 'invalid_value', param: 'request_id' });
  const [{ id: old }] = added(told[0]);
  say(says(outputOf(old, [1])));
  t.match((await begun).value, { requestId: 'x', tokenIds: [1] });
  await first.return();
  const second = generate(client, [3], {}, { requestId: 'x' });
  const { id } = added(told[0])[1];
  t.not(id, old, 'engines know them apart');
  say(says(outputOf(old, [2, 3]), outputOf(old, [], 'abort')));
  say(says(outputOf(id, [4], 'length')));
  t.match(await second, { tokens: [4], last: { requestId: 'x', finishReason: 'length' } });
});
