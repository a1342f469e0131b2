// /v1/embeddings, /v1/score and /get_score over a real socket, through the official client and through fetch.
import t from 'tap';
import { embeddingResponseSchema } from '../../src/server/apis/embeddings/schema.ts';
import { getScoreResponseSchema, scoreResponseSchema } from '../../src/server/apis/score/schema.ts';
import { startFakeServer, until } from '../helpers/fake-server.ts';
import { json, type Json } from '../helpers/wire.ts';

/** What the fake engine gives for ids, of length 1 after the first `dimensions` values were kept. */
function expected(ids: readonly number[], dimensions = 8): number[] {
  const value = (i: number) => ids.reduce((sum, id) => sum + ((id * (i + 1)) % 13) - 6, 0) / ids.length;
  const values = Array.from({ length: dimensions }, (_, i) => Math.fround(value(i)));
  const length = Math.hypot(...values);
  return values.map((x) => Math.fround(x / length));
}
const near = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((x, i) => Math.abs(x - b[i]) < 1e-6);

t.test('vectors of every kind of input', async (t) => {
  const { client, post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const ask = async (input: unknown, extra = {}): Promise<Json> => {
    const response = await post('/v1/embeddings', { model: 'fake', input, ...extra });
    const body = await json(response);
    t.equal(response.status, 200, JSON.stringify(body));
    t.doesNotThrow(() => embeddingResponseSchema.parse(body));
    return body;
  };
  const one = await ask('né');
  t.ok(near(one.data[0].embedding, expected([256, 110, 195, 169])), 'BOS is added to text');
  t.ok(Math.abs(Math.hypot(...one.data[0].embedding) - 1) < 1e-6, 'of length 1');
  t.same(one.usage, { prompt_tokens: 4, total_tokens: 4 });
  t.equal(engine.pools[0].pooling, 'mean');
  t.ok(near((await ask('ab', { add_special_tokens: false })).data[0].embedding, expected([97, 98])));
  t.ok(near((await ask([97, 98])).data[0].embedding, expected([97, 98])), 'ids are taken as they are');
  const many = await ask([[97], [98, 99], [100]]);
  t.same(
    many.data.map((d: Json) => d.index),
    [0, 1, 2],
  );
  t.ok(near(many.data[1].embedding, expected([98, 99])));
  t.equal(many.usage.prompt_tokens, 4);
  t.ok(near((await ask([[7, 97, 98]], { truncate_prompt_tokens: 2 })).data[0].embedding, expected([97, 98])));
  t.ok(near((await ask([97], { dimensions: 3 })).data[0].embedding, expected([97], 3)), 'cut, then of length 1 again');

  // The official client asks for base64 and decodes it unless told otherwise.
  const decoded = await client.embeddings.create({ model: 'fake', input: ['a', 'b'] });
  t.ok(near(decoded.data[1].embedding, expected([256, 98])));
  const { data } = await ask([97], { encoding_format: 'base64' });
  const bytes = Buffer.from(data[0].embedding as string, 'base64');
  t.ok(
    near(
      Array.from({ length: 8 }, (_, i) => bytes.readFloatLE(i * 4)),
      expected([97]),
    ),
  );
  const whole = await ask(new Array<number>(4096).fill(97));
  t.equal(whole.usage.prompt_tokens, 4096, 'an input may fill the whole context');
});

t.test('--embedding_pooling last', async (t) => {
  const { post, engine, server } = await startFakeServer({ embeddingPooling: 'last' });
  t.teardown(() => server.close());
  const { data } = await json(await post('/v1/embeddings', { input: [97, 98] }));
  t.equal(engine.pools[0].pooling, 'last');
  t.ok(near(data[0].embedding, expected([98])));
});

t.test('long lists: at most 32 at a time, in order; one failure or a lost client ends the rest', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.poolDelay = (ids) => 3 + (ids[0] % 3);
  const input = Array.from({ length: 100 }, (_, i) => [1 + i]);
  const { data } = await json(await post('/v1/embeddings', { input }));
  t.ok(input.every((ids, i) => near(data[i].embedding, expected(ids))));
  t.equal(engine.poolsAtOnce.most, 32);

  engine.poolDelay = () => 10_000;
  const abort = new AbortController();
  const lost = post('/v1/embeddings', { input }, { signal: abort.signal });
  const before = engine.pools.length;
  await until(() => engine.pools.length === before + 32);
  abort.abort();
  await t.rejects(lost);
  await until(() => engine.abortedPools === 32);
  t.equal(engine.pools.length, before + 32, 'the others were not begun');
});

t.test('bad requests name the field', async (t) => {
  const { post, server } = await startFakeServer();
  t.teardown(() => server.close());
  const cases: [Json, string, number?][] = [
    [{}, 'input'],
    [{ input: '' }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: ['a', ''] }, 'input[1]'],
    [{ input: [[]] }, 'input[0]'],
    [{ input: [5000] }, 'input'],
    [{ input: [[1], [5000]] }, 'input[1]'],
    [{ input: new Array(2049).fill('a') }, 'input'],
    [{ input: 'a', encoding_format: 'hex' }, 'encoding_format'],
    [{ input: 'a', dimensions: 9 }, 'dimensions'],
    [{ input: 'a', dimensions: 0 }, 'dimensions'],
    [{ input: 'a'.repeat(4096) }, 'input'],
    [{ input: 'a', model: 'gpt' }, 'model', 404],
  ];
  for (const [body, param, status = 400] of cases) {
    const response = await post('/v1/embeddings', body);
    const { error } = await json(response);
    t.equal(response.status, status, JSON.stringify(body).slice(0, 60));
    t.equal(error.param, param, error.message);
  }
});

t.test('scores', async (t) => {
  const { post, url, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  for (const [path, body] of [
    ['/v1/score', { text_1: 'a', text_2: 'b' }],
    ['/get_score', { chat: [{ role: 'user', content: 'Hi' }] }],
  ] as const) {
    const response = await post(path, body);
    t.equal(response.status, 400);
    t.match((await json(response)).error.message, /no score head: scores need a reward model/);
  }
  engine.info = { ...engine.info, isRewardModel: true };
  t.match(await json(await fetch(`${url}/model_info`)), { is_generation: false });
  const raw = (id: number): number => (id % 13) - 6;
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  const scored = await json(await post('/v1/score', { text_1: 'ab', text_2: ['c', 'd'] }));
  t.doesNotThrow(() => scoreResponseSchema.parse(scored));
  t.same(engine.pools.slice(-2), [
    { promptIds: [256, 97, 98, 99], pooling: 'score' },
    { promptIds: [256, 97, 98, 100], pooling: 'score' },
  ]);
  t.same(
    scored.data.map((d: Json) => d.score),
    [sigmoid(raw(99)), sigmoid(raw(100))],
  );
  t.equal(scored.usage.prompt_tokens, 8);
  const pairs = { text_1: ['a', 'b'], text_2: ['c', 'd'], use_activation: false };
  t.same(
    (await json(await post('/v1/score', pairs))).data.map((d: Json) => d.score),
    [raw(99), raw(100)],
  );
  t.equal((await json(await post('/v1/score', { ...pairs, text_2: ['c'] }))).error.param, 'text_1');

  const chat = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Yo' },
  ];
  const one = await json(await post('/get_score', { chat, parameters: { temperature: 3 } }));
  t.doesNotThrow(() => getScoreResponseSchema.parse(one));
  const prompt = '<|user|>Hi<|end|><|assistant|>Yo<|end|>';
  t.equal(Buffer.from(engine.pools.at(-1)!.promptIds).toString(), prompt, 'no turn is opened behind the answer');
  t.same(one, { score: raw(62), prompt_tokens: prompt.length, finish_reason: 'stop' });
});
