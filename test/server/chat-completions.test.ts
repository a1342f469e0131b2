// /v1/chat/completions over a real socket, seen through the official client and through fetch.
import t from 'tap';
import { defaultSamplingParams } from '../../src/engine/core/types.ts';
import { uniform } from '../../src/engine/running/random.ts';
import { chatChunkSchema, chatResponseSchema } from '../../src/server/apis/chat-completions/schema.ts';
import { generationRequests } from '../../src/server/chat/generation-request.ts';
import { startFakeServer, until } from '../helpers/fake-server.ts';
import { json, type Json, readEvents } from '../helpers/wire.ts';

const messages = [{ role: 'user' as const, content: 'Hi' }];

t.test('a whole answer', async (t) => {
  const { client, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const answer = await client.chat.completions.create({ model: 'fake', messages, temperature: 0.5, seed: 7 });
  t.equal(answer.choices[0]?.message.content, 'Hello, world!');
  t.equal(answer.choices[0]?.finish_reason, 'stop');
  t.same(answer.usage?.prompt_tokens, engine.calls[0]?.promptIds.length);
  t.equal(answer.usage?.completion_tokens, 14, 'thirteen characters and the end-of-text token');
  t.equal(engine.calls[0]?.promptText, '<|user|>Hi<|end|><|assistant|>');
  t.match(engine.calls[0]?.params, { temperature: 0.5, seed: 7, maxTokens: 4096 - 30 });
  t.doesNotThrow(() => chatResponseSchema.parse(answer));
  t.equal(answer.system_fingerprint, 'dawnlight-0.0.0');
  const other = await client.chat.completions.create({ model: 'org/fake', messages });
  t.equal(other.model, 'org/fake', 'each served name is answered under itself');
});

t.test('a streamed answer', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'Grüße 👋!' });
  const request = { messages, stream: true, stream_options: { include_usage: true } };
  const response = await post('/v1/chat/completions', request);
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const events = await readEvents(response);
  t.equal(events.pop(), '[DONE]');
  t.same(events.pop().usage, {
    prompt_tokens: 30,
    completion_tokens: 14,
    total_tokens: 44,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  });
  t.same(events[0].choices[0].delta, { role: 'assistant', content: '' });
  t.equal(events.map((e) => e.choices[0].delta.content ?? '').join(''), 'Grüße 👋!');
  t.notOk(JSON.stringify(events).includes('\ufffd'), 'no half characters');
  t.equal(events.filter((e) => e.choices[0].finish_reason !== null).length, 1);
  t.equal(new Set(events.map((e) => e.id)).size, 1);
  for (const event of events) t.doesNotThrow(() => chatChunkSchema.parse(event));
});

t.test('stop strings are cut from the text, never streamed in part, and end the request', async (t) => {
  const { client, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'one END EN two ENDING three', delay: 1 });
  const stream = await client.chat.completions.create({
    model: 'fake',
    messages,
    stop: ['ENDING', 'nope'],
    stream: true,
  });
  const pieces: string[] = [];
  let finish: string | null = null;
  for await (const chunk of stream) {
    pieces.push(chunk.choices[0]?.delta.content ?? '');
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }
  t.equal(pieces.join(''), 'one END EN two ');
  t.equal(finish, 'stop');
  t.notOk(
    pieces.some((p) => p.endsWith('E')),
    'a possible beginning of a stop string is held back',
  );
  await until(() => engine.calls[0]?.state === 'aborted');

  const whole = await client.chat.completions.create({ model: 'fake', messages, stop: 'END' });
  t.equal(whole.choices[0]?.message.content, 'one ');
  t.equal(whole.usage?.completion_tokens, 7, 'tokens behind the stop string are not counted');
  const held = await client.chat.completions.create({ model: 'fake', messages, stop: 'three!' });
  t.equal(held.choices[0]?.message.content, 'one END EN two ENDING three', 'held text comes out at the end');
});

t.test('n choices, streamed and not', async (t) => {
  const { client, post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = (call) => ({ text: `seed ${call.params.seed}` });
  const answer = await client.chat.completions.create({ model: 'fake', messages, n: 3, seed: 5 });
  t.same(
    answer.choices.map((c) => c.message.content),
    ['seed 5', 'seed 6', 'seed 7'],
  );
  t.equal(answer.usage?.prompt_tokens, 30, 'the prompt counts once');
  t.equal(answer.usage?.completion_tokens, 21);
  const events = await readEvents(await post('/v1/chat/completions', { messages, n: 2, seed: 5, stream: true }));
  events.pop();
  const text = (index: number): string =>
    events
      .flatMap((e) => e.choices.filter((c: Json) => c.index === index))
      .map((c: Json) => c.delta.content ?? '')
      .join('');
  t.same([text(0), text(1)], ['seed 5', 'seed 6']);
});

t.test('every seed gives choices that are drawn differently', async (t) => {
  const params = { ...defaultSamplingParams, maxTokens: 1 };
  const signal = new AbortController().signal;
  const far = [2 ** 53, 2 ** 53 + 2, 2 ** 60, 2 ** 62 + 1024, 2 ** 63 - 1024, 2 ** 63].flatMap((seed) => [seed, -seed]);
  for (const seed of [0, 5, -5, -2, 2 ** 53 - 1, 2 ** 53 - 64, 1 - 2 ** 53, ...far]) {
    const prompts = [{ promptIds: [1], params: { ...params, seed } }];
    const seeds = generationRequests({ id: 'x', prompts, n: 128, signal }).map((request) => request.params.seed!);
    t.equal(seeds[0], seed);
    // What draws depend on (src/engine/running/random.ts).
    t.equal(new Set(seeds.map((s) => BigInt.asUintN(64, BigInt(s)))).size, 128, `${seed}`);
    const draws = (s: number): string => [0, 1, 2, 3].map((index) => uniform(s, index)).join();
    t.equal(new Set(seeds.map(draws)).size, 128, `draws of ${seed}`);
  }
});

t.test('logprobs stay in step with the text', async (t) => {
  const { client, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'é, stop here' });
  const request = { model: 'fake', messages, logprobs: true, top_logprobs: 2, stop: ' here' };
  const { content } = (await client.chat.completions.create(request)).choices[0].logprobs!;
  t.equal(content!.map((x) => x.token).join(''), 'é, stop');
  t.equal(Buffer.from(content!.flatMap((x) => x.bytes ?? [])).toString(), 'é, stop');
  t.ok(content!.every((x) => x.top_logprobs.length === 2 && x.top_logprobs[0].logprob === x.logprob));
  const stream = client.chat.completions.stream(request);
  t.same((await stream.finalChatCompletion()).choices[0]?.logprobs?.content, content, 'streamed alike');

  engine.script = () => ({ text: 'a😀' });
  const cut = await client.chat.completions.create({ model: 'fake', messages, logprobs: true, max_tokens: 3 });
  const [{ message, logprobs }] = cut.choices;
  t.equal(message.content, 'a\ufffd', 'a character that the limit cuts in two');
  t.equal(logprobs!.content!.map((x) => x.token).join(''), message.content);
});

t.test('a client that goes away frees its request, streamed or not', async (t) => {
  const { client, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'a'.repeat(500), delay: 5 });
  const stream = await client.chat.completions.create({ model: 'fake', messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  await until(() => engine.calls[0]?.state === 'aborted');
  t.ok(engine.calls[0].given < 100, 'the stream ended early');

  const abort = new AbortController();
  const whole = client.chat.completions.create({ model: 'fake', messages, n: 3 }, { signal: abort.signal });
  await until(() => engine.calls.length === 4);
  abort.abort();
  await t.rejects(whole, { message: 'Request was aborted.' });
  await until(() => engine.calls.every((c) => c.state === 'aborted'));
});

t.test('a stream begins when the engine has taken all its choices, however long that takes', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const { EngineError } = await import('../../src/errors.ts');
  const full = { failAfter: 0, error: new EngineError('queue_full', 'The queue is full.') };
  for (const [path, body] of [
    ['/v1/chat/completions', { messages, n: 2 }],
    ['/v1/completions', { prompt: ['a', 'b'] }],
    ['/v1/messages', { messages, max_tokens: 5 }],
    ['/v1/responses', { input: 'a' }],
    ['/generate_stream', { inputs: 'a' }],
  ] as const) {
    let take = (): void => undefined;
    const taken = new Promise<void>((resolve) => (take = resolve));
    const before = engine.calls.length;
    engine.script = (call) => ({ text: 'x', ...(call === engine.calls[before] ? { taken } : {}) });
    let begun = false;
    const answer = post(path, { model: 'fake', ...body, stream: true }).finally(() => (begun = true));
    await until(() => engine.calls.length > before);
    await new Promise((resolve) => setTimeout(resolve, 700));
    t.notOk(begun, `${path} waits for the engine, not for a clock`);
    take();
    t.equal((await answer).status, 200);
    // The last choice is refused, after the others have begun.
    const first = engine.calls.length;
    const last = 'n' in body || 'prompt' in body ? first + 1 : first;
    engine.script = (call) => (call === engine.calls[last] ? { text: 'x', ...full } : { text: 'x', delay: 5 });
    const refused = await post(path, { model: 'fake', ...body, stream: true });
    t.equal(refused.status, 429, path);
    t.equal(refused.headers.get('retry-after'), '1');
  }
});

t.test('failures before and after the first byte', async (t) => {
  const { client, post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const { EngineError } = await import('../../src/errors.ts');
  engine.script = () => ({ text: 'x', failAfter: 0, error: new EngineError('queue_full', 'The queue is full.') });
  for (const stream of [true, false]) {
    const response = await post('/v1/chat/completions', { messages, stream });
    t.equal(response.status, 429);
    t.equal(response.headers.get('retry-after'), '1');
    t.same(await response.json(), {
      error: { message: 'The queue is full.', type: 'rate_limit_error', param: null, code: 'queue_full' },
    });
  }
  engine.script = () => ({ text: 'Hello', failAfter: 3, error: new EngineError('engine_dead', 'The engine died.') });
  const events = await readEvents(await post('/v1/chat/completions', { messages, stream: true }));
  t.equal(events.at(-1), '[DONE]');
  t.equal(events.at(-2).error.code, 'engine_dead');
  const stream = await client.chat.completions.create({ model: 'fake', messages, stream: true });
  await t.rejects(
    async () => {
      for await (const _ of stream);
    },
    { message: /^The engine is not running/ },
  );
});

t.test('bad requests name the field', async (t) => {
  const { post, server } = await startFakeServer();
  t.teardown(() => server.close());
  const cases: [unknown, string | null, number?][] = [
    ['{"messages": [', null],
    ['[]', null],
    [{}, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'Hi' }, 'messages'],
    [{ messages: [{}] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'assistant', content: null }] }, 'messages[0].content'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages[0].content[0].type',
    ],
    [{ messages, temperature: -1 }, 'temperature'],
    [{ messages, temperature: '1' }, 'temperature'],
    [{ messages, top_p: 1.5 }, 'top_p'],
    [{ messages, top_k: -2 }, 'top_k'],
    [{ messages, presence_penalty: 3 }, 'presence_penalty'],
    [{ messages, max_tokens: 0 }, 'max_tokens'],
    [{ messages, n: 0 }, 'n'],
    [{ messages, stop: '' }, 'stop'],
    [{ messages, logit_bias: { x: 1 } }, 'logit_bias.x'],
    [{ messages, logit_bias: { 99999: 1 } }, 'logit_bias'],
    [{ messages, top_logprobs: 3 }, 'top_logprobs'],
    [{ messages, logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    [{ messages, stream_options: { include_usage: true } }, 'stream_options'],
    [{ messages, tools: [] }, 'tools'],
    [{ messages, tool_choice: 'auto', tools: [{ type: 'custom' }] }, 'tools[0].type'],
    [{ messages, tool_choice: 'required' }, 'tool_choice'],
    [{ messages, response_format: { type: 'xml' } }, 'response_format.type'],
    [{ messages, use_beam_search: true }, 'use_beam_search'],
    [{ messages, modalities: ['audio'] }, 'modalities[0]'],
    [{ messages, min_tokens: 5, max_tokens: 2 }, 'min_tokens'],
    [{ messages, model: 'gpt-4' }, 'model', 404],
    [{ messages: [{ role: 'user', content: 'x'.repeat(5000) }] }, 'messages'],
  ];
  for (const [body, param, status = 400] of cases) {
    const response = await post('/v1/chat/completions', body);
    const { error } = await json(response);
    t.equal(response.status, status, JSON.stringify(body).slice(0, 80));
    t.equal(error.param, param, error.message);
    t.same(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  }
  const long = await post('/v1/chat/completions', { messages: [{ role: 'user', content: 'x'.repeat(5000) }] });
  t.match(await long.json(), {
    error: { code: 'context_length_exceeded', message: /maximum context length is 4096.*5028/ },
  });
});

t.test('harmless extras of SDKs and routers are accepted', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const router = {
    no_stop_trim: false,
    ignore_eos: false,
    continue_final_message: false,
    skip_special_tokens: true,
    separate_reasoning: true,
    stream_reasoning: true,
    return_hidden_states: false,
    logprobs: false,
    tool_choice: 'auto',
    lora_path: null,
  };
  const sdk = {
    user: 'u',
    metadata: { a: 'b' },
    store: false,
    service_tier: 'auto',
    modalities: ['text'],
    unheard_of: 1,
  };
  const nulls = { stop: null, seed: null, temperature: null, tools: null, response_format: null, stream: null };
  for (const extra of [router, sdk, nulls, { response_format: { type: 'text' } }]) {
    const response = await post('/v1/chat/completions', { messages, ...extra });
    t.equal(response.status, 200, JSON.stringify(await response.json()));
  }
  t.equal(engine.calls.length, 4);
});

t.test('messages reach the template in the shape it wants', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const ask = async (body: unknown): Promise<string> => {
    const response = await post('/v1/chat/completions', body);
    t.equal(response.status, 200, response.ok ? '' : await response.text());
    return engine.calls.at(-1)!.promptText;
  };
  const parts = [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ];
  t.equal(
    await ask({
      messages: [
        { role: 'developer', content: 'be brief' },
        { role: 'user', content: parts },
      ],
    }),
    '<|system|>be brief<|end|><|user|>a\nb<|end|><|assistant|>',
  );
  t.equal(
    await ask({ messages: [...messages, { role: 'assistant', content: 'Dear ' }], continue_final_message: true }),
    '<|user|>Hi<|end|><|assistant|>Dear ',
  );
  const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"x": 1}' } };
  t.equal(
    await ask({
      messages: [
        ...messages,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: '42' }] },
      ],
    }),
    '<|user|>Hi<|end|><|assistant|><tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call><|end|>' +
      '<|user|><tool_response>\n42\n</tool_response><|end|><|assistant|>',
    'a template without tools gets them written out',
  );
  const broken = { ...call, function: { name: 'f', arguments: '{"x": ' } };
  t.match(
    await ask({
      messages: [
        ...messages,
        { role: 'assistant', tool_calls: [broken] },
        { role: 'tool', tool_call_id: 'c1', content: '' },
      ],
    }),
    /"arguments": "\{\\"x\\": "/,
    'arguments that are no JSON are passed on, not refused',
  );
});

t.test('the switch for reasoning reaches templates under both of its names', async (t) => {
  const templateSource = '{{ enable_thinking }},{{ thinking }},{{ reasoning_effort }}';
  const { post, engine, server } = await startFakeServer({}, { templateSource });
  t.teardown(() => server.close());
  const prompt = async (extra: Json): Promise<string> => {
    await post('/v1/chat/completions', { messages, ...extra });
    return engine.calls.at(-1)!.promptText;
  };
  t.equal(await prompt({ chat_template_kwargs: { enable_thinking: false } }), 'False,False,');
  t.equal(await prompt({ chat_template_kwargs: { thinking: true } }), 'True,True,');
  t.equal(await prompt({ reasoning_effort: 'none' }), 'False,False,none');
  t.equal(await prompt({ reasoning_effort: 'high' }), ',,high');
  t.equal(await prompt({ chat_template_kwargs: { enable_thinking: true, thinking: false } }), 'True,False,');
});

t.test('required: a call that repeats an earlier one ends the answer, and the engine stops', async (t) => {
  const { client, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const call = (city: string) => `<tool_call>\n{"name": "weather", "arguments": {"city": "${city}"}}\n</tool_call>\n`;
  const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }];
  engine.script = () => ({ text: call('Rome') + call('Oslo') + call('Rome').repeat(50), delay: 1 });
  const wanted = { model: 'fake', messages, tools, tool_choice: 'required', parallel_tool_calls: true } as const;
  const cities = ['{"city": "Rome"}', '{"city": "Oslo"}'];
  const { choices, usage } = await client.chat.completions.create({ ...wanted, n: 2 });
  for (const { message, finish_reason } of choices) {
    t.same(
      message.tool_calls?.map((c) => (c.type === 'function' ? c.function.arguments : c)),
      cities,
    );
    t.equal(finish_reason, 'tool_calls');
  }
  t.ok(Number(usage?.completion_tokens) < 8 * call('Rome').length, 'not what would have come');
  t.ok(
    engine.calls.every((made) => made.state === 'aborted'),
    'the engine does not go on',
  );
  const streamed = ['', ''];
  let finish: string | null = null;
  for await (const chunk of await client.chat.completions.create({ ...wanted, stream: true })) {
    for (const piece of chunk.choices[0]?.delta.tool_calls ?? []) {
      streamed[piece.index] = (streamed[piece.index] ?? '') + (piece.function?.arguments ?? '');
    }
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }
  t.same([streamed, finish], [cities, 'tool_calls']);
});
