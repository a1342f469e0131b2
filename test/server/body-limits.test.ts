// What bodies may take before anything is made of them: values, depth, memory of all together, time.
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { startFakeServer, until } from '../helpers/fake-server.ts';
import { json } from '../helpers/wire.ts';
import type { ServerConfig } from '../../src/config.ts';

async function start(t: Test, settings: Partial<ServerConfig> = {}) {
  const server = await startFakeServer(settings);
  t.teardown(() => server.server.close(0));
  return server;
}

t.test('bodies of very many values are refused, and the first fault is enough', async (t) => {
  const { post } = await start(t);
  const lists = `{"prompt": [${'[],'.repeat(2_000_000)}1.5]}`;
  const numbers = `{"messages": [${'1,'.repeat(5_000_000)}1]}`;
  const keys = `{"logit_bias": {${Array.from({ length: 40_000 }, (_, i) => `"${i}":1`).join()}}}`;
  const deep = `{"prompt": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  for (const [path, body, message] of [
    ['/v1/completions', lists, /more than 131072 strings, lists and objects/],
    ['/v1/chat/completions', numbers, /more than 524288 values/],
    ['/v1/completions', keys, /more than 32768 keys/],
    ['/v1/completions', deep, /nests more than 512 deep/],
    ['/v1/chat/completions', `{"messages": [${'1,'.repeat(500_000)}1]}`, /messages\[0\]/],
    ['/v1/completions', `{"prompt": [${'1,'.repeat(500_000)}1.5]}`, /prompt/],
    ['/v1/completions', `{"prompt": [${'"a",'.repeat(2000)}"a"], "n": 128}`, /are 256128 generations.*at most 1088/],
    ['/v1/completions', `{"prompt": "${'a'.repeat(100_000)}"}`, /maximum context length/],
  ] as const) {
    const response = await post(path, body);
    t.equal(response.status, 400, String(message));
    t.match((await json(response)).error.message, message);
  }
  t.equal((await post('/v1/completions', { prompt: 'a"[{,\\"'.repeat(10) })).status, 200, 'text is no structure');
});

t.test('parked bodies take so much together and no more', async (t) => {
  const { post, server } = await start(t, { bodyMemory: 4 * 2 ** 20 });
  const head = `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${8 * 2 ** 20}\r\n\r\n`;
  const answers: string[] = [];
  const clients = Array.from({ length: 8 }, (_, i) => {
    const client = connect(server.port, '127.0.0.1').on('error', () => undefined);
    t.teardown(() => client.destroy());
    answers[i] = '';
    client.on('data', (data) => (answers[i] += data.toString()));
    client.write(`${head}{"prompt": "${'a'.repeat(2 ** 20)}`);
    return client;
  });
  await until(() => answers.filter((a) => a !== '').length >= 4);
  const refused = answers.filter((a) => a !== '');
  for (const answer of refused) t.match(answer, /^HTTP\/1.1 503[^]*retry-after: 1[^]*"overloaded"/i);
  t.equal((await post('/v1/completions', { prompt: 'a' })).status, 200, 'small requests pass');
  const large = { prompt: 'a', user: 'x'.repeat(3 * 2 ** 20) };
  t.equal((await post('/v1/completions', large)).status, 503);
  for (const client of clients) client.destroy();
  while ((await post('/v1/completions', large)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
});

t.test('what is only counted or listed has so many tokens exactly', async (t) => {
  const { post } = await start(t);
  const count = (length: number) => post('/tokenize', { prompt: 'a'.repeat(length), add_special_tokens: false });
  t.equal((await json(await count(2 ** 17))).count, 2 ** 17);
  const refused = await count(2 ** 17 + 1);
  t.equal(refused.status, 400);
  t.match((await json(refused)).error, { param: 'prompt', message: /At most 131072 tokens.* has 131073 tokens/ });
});
