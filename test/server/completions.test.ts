// /v1/completions, models, tokens and probes over a real socket.
import t from 'tap';
import { completionResponseSchema } from '../../src/server/apis/completions/schema.ts';
import { fakeTokenizer } from '../helpers/fake-tokenizer.ts';
import { startFakeServer, until } from '../helpers/fake-server.ts';
import { json, type Json, readEvents } from '../helpers/wire.ts';

t.test('prompts of every kind give one choice each, times n', async (t) => {
  const { client, engine, post, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = (call) => ({ text: `<${call.promptText}>` });
  const ask = async (prompt: unknown, extra = {}): Promise<string[]> => {
    const response = await post('/v1/completions', { prompt, ...extra });
    const body = await json(response);
    t.equal(response.status, 200, JSON.stringify(body));
    t.doesNotThrow(() => completionResponseSchema.parse(body));
    t.same(
      body.choices.map((c: Json) => c.index),
      body.choices.map((_: Json, i: number) => i),
    );
    return body.choices.map((c: Json) => c.text);
  };
  t.same(await ask('ab'), ['<<bos>ab>'], 'BOS is added to text');
  t.same(await ask('ab', { add_special_tokens: false }), ['<ab>']);
  t.same(await ask([97, 98]), ['<ab>'], 'ids are taken as they are');
  t.same(await ask(['a', 'b'], { n: 2 }), ['<<bos>a>', '<<bos>a>', '<<bos>b>', '<<bos>b>']);
  t.same(await ask([[97], [98]]), ['<a>', '<b>']);
  t.same(await ask([97], { echo: true }), ['a<a>']);
  t.same(await ask('a', { echo: true, max_tokens: 0 }), ['a'], 'echo alone runs nothing');
  t.equal((await ask('a', { max_tokens: 3 }))[0]?.length, 3);
  const many = await client.completions.create({ model: 'fake', prompt: 'x'.repeat(40) });
  t.equal(many.usage?.completion_tokens, 16, 'OpenAI’s default length');
  t.equal(many.choices[0]?.finish_reason, 'length');
});

t.test('logprobs have four arrays of one length', async (t) => {
  const { client, server } = await startFakeServer();
  t.teardown(() => server.close());
  const answer = await client.completions.create({ model: 'fake', prompt: 'x', logprobs: 3 });
  const { tokens, token_logprobs, top_logprobs, text_offset } = answer.choices[0].logprobs!;
  t.equal(tokens?.join(''), answer.choices[0]?.text);
  t.same([token_logprobs?.length, top_logprobs?.length, text_offset?.length], [13, 13, 13]);
  t.equal(Object.keys(top_logprobs![0]).length, 3);
  t.equal(text_offset?.[5], 5);
});

t.test('alternatives keep apart what is part of a character, and of one text the likelier', async (t) => {
  const { post, engine, server } = await startFakeServer({}, { tokenizer: { ...fakeTokenizer, tokenBytes } });
  t.teardown(() => server.close());
  // The fake engine's alternatives are the ids above the token's own, each less likely by 1.
  function tokenBytes(id: number): Uint8Array {
    return id === 99 ? Uint8Array.of(97) : fakeTokenizer.tokenBytes(id);
  }
  engine.script = () => ({ text: 'é' });
  const ask = async (prompt: number[]): Promise<Json> => {
    const body = { prompt: [prompt], max_tokens: 0, echo: true, logprobs: 4 };
    return (await json(await post('/v1/completions', body))).choices[0].logprobs;
  };
  const { tokens, token_logprobs, top_logprobs } = await ask([98, 195, 169]);
  t.same(tokens, ['b', 'bytes:\\xc3', 'bytes:\\xa9']);
  const [, first, second] = top_logprobs;
  t.same(Object.keys(first), ['bytes:\\xc3', 'bytes:\\xc4', 'bytes:\\xc5', 'bytes:\\xc6']);
  for (const [i, top] of [first, second].entries()) {
    t.equal(Math.max(...Object.values<number>(top)), token_logprobs[i + 1], 'the likeliest alternative is there');
    t.equal(top[tokens[i + 1]], token_logprobs[i + 1], 'under the name of the token');
  }
  const twice = await ask([98, 97]);
  t.same(twice.top_logprobs[1], {
    a: twice.token_logprobs[1],
    b: twice.token_logprobs[1] - 1,
    d: twice.token_logprobs[1] - 3,
  });
});

t.test('echo with logprobs scores the prompt', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const logprob = (id: number): number => -((id % 7) + 1) / 4;
  const ask = async (body: Json): Promise<Json> => {
    const answer = await json(await post('/v1/completions', { echo: true, logprobs: 2, ...body }));
    t.doesNotThrow(() => completionResponseSchema.parse(answer));
    return answer;
  };
  // As lm-evaluation-harness asks: token ids, no text wanted.
  const scored = await ask({ prompt: [[97, 195, 169], [98]], max_tokens: 0 });
  t.same(
    scored.choices.map((c: Json) => [c.text, c.finish_reason]),
    [
      ['aé', 'length'],
      ['b', 'length'],
    ],
  );
  t.same(scored.choices[0].logprobs, {
    tokens: ['a', 'bytes:\\xc3', 'bytes:\\xa9'],
    token_logprobs: [null, logprob(195), logprob(169)],
    top_logprobs: scored.choices[0].logprobs.top_logprobs,
    text_offset: [0, 1, 1],
  });
  t.equal(scored.choices[0].logprobs.top_logprobs[0], null);
  t.match(scored.usage, { prompt_tokens: 4, completion_tokens: 0 });
  t.match(engine.calls[0]?.params, { maxTokens: 1, promptLogprobs: 2 });

  engine.script = () => ({ text: 'xyz' });
  const goesOn = await ask({ prompt: 'ab', max_tokens: 3 });
  const { tokens, token_logprobs, text_offset } = goesOn.choices[0].logprobs;
  t.equal(goesOn.choices[0].text, 'abxyz');
  t.same(tokens, ['', 'a', 'b', 'x', 'y', 'z'], 'BOS is scored, and has no text');
  t.same(text_offset, [0, 0, 1, 2, 3, 4]);
  t.same(token_logprobs.slice(0, 2), [null, logprob(97)]);

  const events = await readEvents(
    await post('/v1/completions', { prompt: [[97, 98], [99]], echo: true, logprobs: 0, max_tokens: 2, stream: true }),
  );
  const streamed = (index: number, field: string): Json[] =>
    events.flatMap((e) => e.choices ?? []).flatMap((c: Json) => (c.index === index ? c.logprobs?.[field] : []));
  t.equal(streamed(0, 'tokens').join(''), 'abxy');
  t.same(streamed(1, 'text_offset'), [0, 1, 2]);
  for (const event of events.slice(0, -1)) t.doesNotThrow(() => completionResponseSchema.parse(event));
  const plain = await json(await post('/v1/completions', { prompt: 'ab', logprobs: 1 }));
  t.equal(engine.calls.at(-1)?.params.promptLogprobs, null, 'without echo the prompt is not scored');
  t.equal(plain.choices[0].logprobs.text_offset[0], 0);
});

t.test('best_of returns the likeliest', async (t) => {
  const { client, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = (call) => ({ text: ['gggg', 'aaaa', 'bbbb'][(call.params.seed ?? 0) % 3] });
  // The fake's log probability of an id is -(id mod 7 + 1)/4: 'b' (98) is likeliest, then 'g' (103), then 'a' (97).
  const answer = await client.completions.create({ model: 'fake', prompt: 'x', best_of: 3, n: 2, seed: 0 });
  t.same(
    answer.choices.map((c) => c.text),
    ['bbbb', 'gggg'],
  );
  t.equal(answer.usage?.completion_tokens, 15, 'all candidates are counted');
});

t.test('streams', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = (call) => ({ text: `${call.promptText}!` });
  const request = { prompt: [[97], [98, 99]], stream: true, echo: true, stream_options: { include_usage: true } };
  const events = await readEvents(await post('/v1/completions', request));
  t.equal(events.pop(), '[DONE]');
  const usage = events.pop();
  t.same(usage.choices, []);
  t.match(usage.usage, { prompt_tokens: 3, completion_tokens: 7 });
  const text = (index: number): string =>
    events
      .flatMap((e) => e.choices)
      .filter((c: Json) => c.index === index)
      .map((c: Json) => c.text)
      .join('');
  t.same([text(0), text(1)], ['aa!', 'bcbc!']);
  for (const event of events) t.doesNotThrow(() => completionResponseSchema.parse(event));
});

t.test('bad requests name the field', async (t) => {
  const { post, server } = await startFakeServer();
  t.teardown(() => server.close());
  const cases: [Json, string][] = [
    [{}, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: '' }, 'prompt'],
    [{ prompt: [5000] }, 'prompt'],
    [{ prompt: [-1] }, 'prompt[0]'],
    [{ prompt: 'x', max_tokens: 0 }, 'max_tokens'],
    [{ prompt: 'x', suffix: 'y' }, 'suffix'],
    [{ prompt: 'x', best_of: 1, n: 2 }, 'best_of'],
    [{ prompt: 'x', best_of: 2, stream: true }, 'best_of'],
    [{ prompt: 'x', bad_words: ['two tokens'] }, 'bad_words[0]'],
    [{ prompt: 'x', stop_token_ids: [4000] }, 'stop_token_ids'],
  ];
  for (const [body, param] of cases) {
    // The fake tokenizer adds BOS: an empty prompt needs it off to be empty.
    const response = await post('/v1/completions', { add_special_tokens: false, ...body });
    t.equal(response.status, 400, JSON.stringify(body));
    t.equal((await json(response)).error.param, param);
  }
});

t.test('sampling parameters reach the engine', async (t) => {
  const { post, engine, server } = await startFakeServer({}, { samplingDefaults: { temperature: 0.6, topK: 40 } });
  t.teardown(() => server.close());
  await post('/v1/completions', {
    prompt: 'x',
    max_tokens: 9,
    min_tokens: 2,
    top_p: 0.5,
    min_p: 0.1,
    repetition_penalty: 1.1,
    presence_penalty: -1,
    frequency_penalty: 2,
    logit_bias: { 65: -100 },
    bad_words: ['q'],
    allowed_token_ids: [66, 65, 66, 65],
    stop_token_ids: [66, 66],
    ignore_eos: true,
    seed: 11,
    logprobs: 2,
  });
  t.match(engine.calls[0]?.params, {
    maxTokens: 9,
    minTokens: 2,
    temperature: 0.6,
    topK: 40,
    topP: 0.5,
    minP: 0.1,
    repetitionPenalty: 1.1,
    presencePenalty: -1,
    frequencyPenalty: 2,
    ignoreEos: true,
    seed: 11,
    logprobs: 2,
  });
  const { allowedTokenIds, stopTokenIds } = engine.calls[0].params;
  t.same([allowedTokenIds, stopTokenIds], [[66, 65], [66]], 'each id once, however often it is given');
  const bias = engine.calls[0].params.logitBias!;
  t.equal(bias.get(65), -100);
  t.ok(bias.get('q'.charCodeAt(0))! < -1000);
  await post('/v1/completions', { prompt: 'x', top_p: 0 });
  t.match(engine.calls[1]?.params, { topP: 1, topK: 1, temperature: 0.6 });
});

t.test('models', async (t) => {
  const { client, url, server } = await startFakeServer();
  t.teardown(() => server.close());
  t.same(
    (await client.models.list()).data.map((m) => m.id),
    ['fake', 'org/fake'],
  );
  t.match(await json(await fetch(`${url}/v1/models/org/fake`)), { id: 'org/fake', max_model_len: 4096 });
  t.match(await json(await fetch(`${url}/v1/models/org%2Ffake`)), { id: 'org/fake' });
  const unknown = await fetch(`${url}/v1/models/gpt-4`);
  t.equal(unknown.status, 404);
  t.equal((await json(unknown)).error.code, 'model_not_found');
});

t.test('tokenize and detokenize', async (t) => {
  const { post, server } = await startFakeServer();
  t.teardown(() => server.close());
  t.same(await json(await post('/tokenize', { prompt: 'né', return_token_strs: true })), {
    count: 4,
    max_model_len: 4096,
    tokens: [256, 110, 195, 169],
    token_strs: ['<bos>', 'n', '\ufffd', '\ufffd'],
  });
  const { tokens } = await json(await post('/tokenize', { messages: [{ role: 'user', content: 'Hi' }] }));
  t.same(await json(await post('/detokenize', { tokens })), { prompt: '<|user|>Hi<|end|><|assistant|>' });
  t.equal((await post('/tokenize', {})).status, 400);
  t.equal((await post('/detokenize', { tokens: [9999] })).status, 400);
  t.same(await json(await post('/tokens', { text: 'abc' })), { ntokens: 4 });
});

t.test('probes, information, metrics and abort', async (t) => {
  const { post, engine, url, server } = await startFakeServer();
  t.teardown(() => server.close());
  for (const path of ['/health', '/healthz', '/liveness', '/readiness', '/ping']) {
    t.equal((await fetch(url + path)).status, 200);
    t.equal((await fetch(url + path, { method: 'HEAD' })).status, 200);
  }
  for (const path of ['/liveness', '/readiness']) t.match(await json(await post(path, {})), { status: 'ok' });
  t.match(await json(await fetch(`${url}/health`)), { message: 'Ok', status: 'ok' }, 'LightLLM’s word and ours');
  t.match(await json(await fetch(`${url}/server_info`)), {
    model_id: 'fake',
    served_model_name: 'fake',
    dp_size: 1,
    max_total_num_tokens: 65536,
    kv_cache_dtype: null,
  });
  t.match(await json(await fetch(`${url}/get_model_info`)), { model_path: '/models/fake', is_generation: true });
  t.same(await json(await fetch(`${url}/get_model_name`)), { model_name: 'fake' });
  t.same(await json(await post('/get_model_name', {})), { model_name: 'fake' });
  t.same(await json(await post('/flush_cache', {})), { success: true, cached_tokens: 0 });
  t.equal(engine.flushed, 1);
  t.match(await json(await fetch(`${url}/token_load`)), { current_load: (65536 - 61000) / 65536 });

  engine.script = () => ({ text: 'a'.repeat(1000), delay: 3 });
  const running = post('/v1/completions', { prompt: 'x', max_tokens: 1000, request_id: 'mine' });
  await until(() => (engine.calls[0]?.given ?? 0) > 1);
  t.same(await json(await post('/abort_request', { rid: 'cmpl-mine' })), { success: true, aborted: 1 });
  t.equal((await json(await running)).choices[0].finish_reason, 'abort');

  const metrics = await (await fetch(`${url}/metrics`)).text();
  t.match(metrics, /vllm:request_success_total\{finished_reason="abort",model_name="fake",engine="0"\} 1/);
  t.match(metrics, /vllm:num_requests_running\{[^}]*\} 0/);
  t.match(metrics, /lightllm_request_count\{[^}]*\} 1/);
  t.match(metrics, /vllm:time_to_first_token_seconds_count\{[^}]*\} 1/);

  engine.state = 'dead';
  const dead = await fetch(`${url}/health`);
  t.equal(dead.status, 503);
  t.match(await json(dead), { message: 'Error', status: 'dead' });
  t.equal((await fetch(`${url}/liveness`)).status, 200);
});
