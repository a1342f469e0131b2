// `npm run bench -- serving` against servers whose times are known, on a clock on which nothing else takes time.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { apis, type ApiName, type ServingRequest } from '../../bench/serving/apis.ts';
import { arrivals } from '../../bench/serving/arrivals.ts';
import { drive } from '../../bench/serving/drive.ts';
import { spec } from '../../bench/serving/flags.ts';
import { run } from '../../bench/serving/main.ts';
import { measure, parseGoodput, percentile } from '../../bench/serving/metrics.ts';
import { planRequests } from '../../bench/serving/requests.ts';
import { ratios, runRounds, type RoundOptions } from '../../bench/serving/rounds.ts';
import { postTo, send, type Post, type Target } from '../../bench/serving/send.ts';
import { conversationsIn, requestsFrom } from '../../bench/serving/sharegpt.ts';
import { tableOf } from '../../bench/serving/table.ts';
import { defaultsOf } from '../../src/settings.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { TimedServer } from '../helpers/timed-server.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

const request = (outputLen: number, promptLen = 10): ServingRequest => ({
  prompt: ' word'.repeat(promptLen),
  promptLen,
  outputLen,
});
const options = { model: 'm', ignoreEos: true, temperature: 0 };
const target = (post: Post, api: ApiName = 'completions'): Target => ({ api: apis[api], options, post });

t.test('the times of one answer, from every kind of stream', async (t) => {
  for (const api of ['completions', 'chat', 'lightllm', 'tgi'] as const) {
    const clock = new VirtualClock();
    const server = new TimedServer(clock, { ttft: 200, tpot: 30 });
    const outcome = await send(target(server.post, api), request(4), clock);
    t.match(outcome, { error: null, startTime: 0, ttft: 200, itl: [30, 30, 30], latency: 290, outputTokens: 4 }, api);
    t.equal(outcome.counted, 'usage', api);
    t.equal(outcome.promptTokens, api === 'tgi' ? null : 10, api);
    t.equal(server.paths[0], apis[api].path);
  }
});

t.test('tokens are those of the usage, or pieces of the stream where there is none', async (t) => {
  const clock = new VirtualClock();
  const bundled = new TimedServer(clock, { ttft: 100, tpot: 10, tokensPerPiece: 2 });
  t.match(await send(target(bundled.post), request(6), clock), { outputTokens: 6, counted: 'usage', itl: [20, 20] });
  const silent = new TimedServer(clock, { ttft: 100, tpot: 10, tokensPerPiece: 2, usage: false });
  t.match(await send(target(silent.post), request(6), clock), {
    outputTokens: 3,
    counted: 'chunks',
    promptTokens: null,
  });
});

t.test('an open loop sends at its times, whatever the server does', async (t) => {
  const clock = new VirtualClock();
  const server = new TimedServer(clock, { ttft: 5000, tpot: 100 });
  const times = arrivals(20, 4, 1, 7);
  const requests = times.map(() => request(2));
  const { outcomes, duration } = await drive(
    { requests, arrivals: times, maxConcurrency: null },
    (one) => send(target(server.post), one, clock),
    clock,
  );
  t.same(
    outcomes.map(({ startTime }) => Math.round(startTime)),
    times.map(Math.round),
  );
  t.equal(Math.round(duration), Math.round(times.at(-1)! + 5100));
  t.equal(Math.round(times.at(-1)!), 5000, 'n / rate seconds, as vLLM scales them');
});

t.test('gaps are gamma distributed: their spread is 1 / √burstiness', (t) => {
  for (const burstiness of [0.25, 1, 16]) {
    const times = arrivals(4000, 10, burstiness, 3);
    const gaps = times.map((time, i) => time - (times[i - 1] ?? 0));
    const mean = gaps.reduce((a, b) => a + b) / gaps.length;
    const spread = Math.sqrt(gaps.reduce((a, gap) => a + (gap - mean) ** 2, 0) / gaps.length) / mean;
    t.ok(Math.abs(mean - 100) < 1e-6);
    t.ok(Math.abs(spread * Math.sqrt(burstiness) - 1) < 0.1, `${burstiness}: ${spread}`);
  }
  t.same(arrivals(3, null, 1, 0), [0, 0, 0]);
  t.end();
});

t.test('a closed loop keeps so many requests under way, no more', async (t) => {
  const clock = new VirtualClock();
  const server = new TimedServer(clock, { ttft: 100, tpot: 50 });
  const requests = Array.from({ length: 10 }, () => request(3));
  const load = { requests, arrivals: arrivals(10, null, 1, 0), maxConcurrency: 4 };
  const driven = await drive(load, (one) => send(target(server.post), one, clock), clock);
  t.equal(server.most, 4);
  t.equal(driven.duration, 600, 'three turns of 200 ms');
  const { figures } = measure(requests, driven, { sla: {}, percentiles: [90, 99] });
  t.match(figures, {
    completed: 10,
    failed: 0,
    total_input_tokens: 100,
    total_output_tokens: 30,
    request_throughput: 10 / 0.6,
    output_throughput: 50,
    total_token_throughput: 130 / 0.6,
    request_goodput: null,
    mean_ttft_ms: 100,
    median_tpot_ms: 50,
    p90_itl_ms: 50,
    p99_e2el_ms: 200,
    std_ttft_ms: 0,
    max_concurrent_requests: 10,
    max_output_tokens_per_s: 30,
  });
});

t.test('the keys are those of vLLM’s result files', (t) => {
  const driven = { outcomes: [], duration: 1000 };
  const { figures } = measure([], driven, { sla: {}, percentiles: [99] });
  const statistics = ['mean', 'median', 'std', 'p99'];
  // benchmarks/serve.py of vLLM 0.11: benchmark() and process_one_metric().
  const theirs = [
    ...['duration', 'completed', 'failed', 'total_input_tokens', 'total_output_tokens', 'request_throughput'],
    ...['request_goodput', 'output_throughput', 'total_token_throughput'],
    ...['max_output_tokens_per_s', 'max_concurrent_requests'],
    ...['ttft', 'tpot', 'itl', 'e2el'].flatMap((metric) => statistics.map((s) => `${s}_${metric}_ms`)),
  ];
  t.same(Object.keys(figures).sort(), theirs.sort());
  t.equal(figures.mean_ttft_ms, null, 'what was not measured is no zero');
  t.end();
});

t.test('percentiles are numpy’s', (t) => {
  // numpy.percentile([1, 2, 4, 8], [25, 50, 90, 99])
  for (const [p, value] of [
    [25, 1.75],
    [50, 3],
    [90, 6.8],
    [99, 7.88],
  ] as const)
    t.ok(Math.abs(percentile([1, 2, 4, 8], p) - value) < 1e-12);
  t.end();
});

t.test('goodput counts the requests within all limits', async (t) => {
  const clock = new VirtualClock();
  const slowEveryThird = new TimedServer(clock, { ttft: (n) => (n % 3 === 2 ? 900 : 100), tpot: 10 });
  const requests = Array.from({ length: 9 }, () => request(11));
  const load = { requests, arrivals: arrivals(9, null, 1, 0), maxConcurrency: 1 };
  const driven = await drive(load, (one) => send(target(slowEveryThird.post), one, clock), clock);
  const good = (...pairs: string[]): number =>
    Math.round(measure(requests, driven, { sla: parseGoodput(pairs), percentiles: [] }).figures.request_goodput! * 4.2);
  t.equal(driven.duration, 4200);
  t.equal(good('ttft:500'), 6);
  t.equal(good('ttft:500', 'tpot:9'), 0);
  t.equal(good('tpot:10'), 9);
  t.equal(good('e2el:200'), 6);
  t.throws(() => parseGoodput(['itl:3']), { message: /^--goodput: expected ttft, tpot or e2el .*, got "itl:3"$/ });
  t.throws(() => parseGoodput(['ttft']), { message: /got "ttft"$/ });
});

t.test('what fails is counted by its reason and is in no figure', async (t) => {
  const clock = new VirtualClock();
  const faults = ['refuse', 'cut', 'error', 'hang up', 'empty'] as const;
  const server = new TimedServer(clock, { ttft: 100, tpot: 10, fault: (n) => faults[n] ?? null });
  const requests = Array.from({ length: 7 }, () => request(5));
  const load = { requests, arrivals: arrivals(7, null, 1, 0), maxConcurrency: 1 };
  const driven = await drive(load, (one) => send(target(server.post), one, clock), clock);
  const { figures, errorCounts } = measure(requests, driven, { sla: {}, percentiles: [] });
  t.match(figures, { completed: 2, failed: 5, total_output_tokens: 10, mean_ttft_ms: 100 });
  t.same(errorCounts, {
    'HTTP 429: {"error":{"message":"busy"}}': 1,
    'the stream ended before the answer did': 1,
    'out of memory': 1,
    'socket hang up': 1,
    'the answer has no text': 1,
  });
});

const rounds = (requestsOf: RoundOptions['requests'], clock: VirtualClock): RoundOptions => ({
  ...{ rounds: 3, seed: 5, requestRate: null, burstiness: 1, maxConcurrency: 2, numWarmups: 1 },
  ...{ sla: {}, percentiles: [99], requests: requestsOf, clock },
});

t.test(
  'two servers take turns and are sent the same; figures are medians, counts sums, ratios of each round',
  async (t) => {
    const clock = new VirtualClock();
    const [fast, slow] = [
      new TimedServer(clock, { ttft: (n) => [100, 100, 100, 400, 100][n] ?? 100, tpot: 10 }),
      new TimedServer(clock, { ttft: 200, tpot: 40 }),
    ];
    const plan = {
      count: 2,
      dataset: 'random',
      inputLen: 8,
      outputLen: 6,
      rangeRatio: 0,
      prefixLen: 0,
      numPrefixes: 1,
    } as const;
    const requestsOf = (seed: number): ServingRequest[] => planRequests({ ...plan, seed }, null);
    const servers = [fast, slow].map(({ post }, i) => ({ label: ['ours', 'peer'][i], target: target(post) }));
    const [ours, peer] = await runRounds(servers, rounds(requestsOf, clock));
    t.same(fast.prompts, slow.prompts);
    t.equal(new Set(fast.prompts).size, 7, 'one to warm up, and no prompt twice');
    t.match(ours.figures, { completed: 6, failed: 0, total_output_tokens: 36, median_tpot_ms: 10, mean_ttft_ms: 100 });
    t.equal(peer.figures.mean_ttft_ms, 200);
    t.match(ratios(ours, peer), { median_tpot_ms: 0.25, mean_ttft_ms: 0.5 });
    const lines = tableOf([ours, peer], ratios(ours, peer));
    t.match(
      lines.find((line) => line.startsWith('Median TPOT (ms):')),
      /10\s+40\s+0\.250$/,
    );
    t.match(lines.at(-1), /^peer: output tokens are counted by the server/);
  },
);

t.test('a server that refuses the first request ends the bench', async (t) => {
  const clock = new VirtualClock();
  const server = new TimedServer(clock, { ttft: 1, tpot: 1, fault: () => 'refuse' });
  await t.rejects(
    runRounds(
      [{ label: 'ours', target: target(server.post) }],
      rounds(() => [request(2)], clock),
    ),
    {
      code: 'bad_flag',
      message: /^ours: the first request failed: HTTP 429/,
    },
  );
});

t.test('requests follow from the seed', (t) => {
  const plan = {
    count: 40,
    seed: 1,
    dataset: 'random',
    inputLen: 100,
    outputLen: 50,
    rangeRatio: 0.2,
    prefixLen: 16,
    numPrefixes: 2,
  } as const;
  const requests = planRequests(plan, null);
  t.same(planRequests(plan, null), requests);
  t.not(planRequests({ ...plan, seed: 2 }, null)[0].prompt, requests[0].prompt);
  const wordsOf = (text: string): string[] => text.trim().split(' ');
  for (const { prompt, promptLen, outputLen } of requests) {
    t.equal(wordsOf(prompt).length, promptLen);
    t.ok(promptLen >= 96 && promptLen <= 136 && outputLen >= 40 && outputLen <= 60);
  }
  const heads = requests.map(({ prompt }) => wordsOf(prompt).slice(0, 16).join(' '));
  t.equal(new Set(heads).size, 2);
  t.equal(heads[0], heads[2]);
  t.equal(new Set(requests.map(({ prompt }) => prompt)).size, 40);
  // A vocabulary in which each letter is a token.
  const letters = planRequests({ ...plan, count: 5, rangeRatio: 0, prefixLen: 0 }, (text) => text.length);
  for (const { prompt } of letters) t.ok(Math.abs(prompt.length - 100) < 8, `${prompt.length}`);
  const chats = planRequests({ ...plan, count: 2000, dataset: 'sharegpt-like', prefixLen: 0 }, null);
  const mean = (values: number[]): number => values.reduce((a, b) => a + b) / values.length;
  t.ok(Math.abs(mean(chats.map(({ promptLen }) => promptLen)) / 330 - 1) < 0.15);
  t.ok(Math.abs(mean(chats.map(({ outputLen }) => outputLen)) / 240 - 1) < 0.15);
  t.end();
});

t.test('a file in ShareGPT’s form', (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'sharegpt.json');
  const turns = (...texts: string[]) => ({ id: 'x', conversations: texts.map((value) => ({ from: 'human', value })) });
  const fit = Array.from({ length: 5 }, (_, i) => turns(`question ${i} `.repeat(10), 'answer '.repeat(20 + i)));
  const unfit = [
    turns('no answer to this'),
    turns('a', 'too short a prompt'),
    turns('x'.repeat(9000), 'too long'.repeat(9)),
    { id: 'none' },
  ];
  writeFileSync(file, JSON.stringify([...unfit, ...fit]));
  const all = conversationsIn(file);
  const found = requestsFrom(all, 5, 1, null);
  t.same(
    found.map(({ prompt }) => prompt).sort(),
    fit.map(({ conversations }) => conversations[0].value),
  );
  t.same(found.map(({ outputLen }) => outputLen).sort(), [35, 37, 39, 41, 42], 'four characters a token');
  t.throws(() => requestsFrom(all, 6, 1, null), { message: /5 usable conversations; lower --num_prompts/ });
  writeFileSync(file, '{"a": 1}');
  t.throws(() => conversationsIn(file), { message: /is no list of conversations/ });
  t.throws(() => conversationsIn(join(dir, 'none.json')), { message: /ENOENT/ });
  t.end();
});

t.test('our own server, over HTTP, by each API', async (t) => {
  for (const api of ['completions', 'chat', 'lightllm', 'tgi'] as const) {
    const { url, server, engine } = await startFakeServer({ useTgiApi: api === 'tgi' });
    engine.script = () => ({ text: 'x'.repeat(40) });
    const clock = { now: () => performance.now(), sleep: () => Promise.resolve() };
    const own = { api: apis[api], options: { ...options, model: 'fake' }, post: postTo(url, null, 60) };
    const outcome = await send(own, request(7), clock);
    t.match(outcome, { error: null, outputTokens: 7 }, api);
    t.ok(outcome.itl.length <= 6 && outcome.latency >= outcome.ttft, api);
    t.equal(engine.calls[0].params.maxTokens, 7);
    const refused = await send({ ...own, options: { ...own.options, temperature: -1 } }, request(7), clock);
    t.match(refused.error, /^HTTP 4/, api);
    await server.close();
  }
});

t.test('the whole bench, on our own server and a peer', async (t) => {
  const { url, server } = await startFakeServer({ apiKeys: ['secret'] });
  t.teardown(() => server.close());
  const file = join(tempDir(t), 'result.json');
  const few = { numPrompts: 2, inputLen: 4, outputLen: 3, rounds: 2, goodput: ['e2el:60000'] };
  const flags = { ...defaultsOf(spec.flags), ...few, url: `${url}/v1/`, peerUrl: url, peerApi: 'chat' as const };
  const { result, exitCode } = await run({ ...flags, apiKey: 'secret', resultFile: file }, []);
  t.equal(exitCode, 0);
  const line = result as Record<string, unknown>;
  t.match(line, { model_id: 'fake', request_rate: 'inf', completed: 4, failed: 0, total_output_tokens: 12 });
  t.match(line, { token_counts: 'usage', peer: { completed: 4, token_counts: 'usage' } });
  t.ok((line.ratios as Record<string, number>).mean_ttft_ms > 0);
  t.ok((line.request_goodput as number) > 0);
  const saved = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown[]>;
  t.equal(saved.ttfts.length, 4);
  t.same(saved.output_lens, [3, 3, 3, 3]);
  t.same(saved.errors, ['', '', '', '']);
  await t.rejects(run({ ...flags, url: `${url}/nowhere`, apiKey: 'secret' }, []), {
    message: /nowhere\/v1\/models names no model \(HTTP 404\)/,
  });
});
