// LightLLM's own API, its framing and its text-generation-inference form.
import t from 'tap';
import { generateEventSchema, generateResponseSchema } from '../../src/server/apis/lightllm/schema.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { json, type Json, readEvents } from '../helpers/wire.ts';

t.test('/generate', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const one = await json(await post('/generate', { inputs: 'Hi', parameters: { max_new_tokens: 5 } }));
  t.same(one, {
    generated_text: ['Hello'],
    count_output_tokens: 5,
    finish_reason: 'length',
    prompt_tokens: 3,
    input_usage: { input_text_tokens: 3, input_audio_tokens: 0, input_image_tokens: 0 },
  });
  t.match(engine.calls[0]?.params, { temperature: 0 }, 'greedy unless do_sample');

  const parameters = { do_sample: true, temperature: 0.5, best_of: 2, stop_sequences: ['wor'], return_details: true };
  const two = await json(await post('/', { inputs: [72, 105], parameters }));
  t.doesNotThrow(() => generateResponseSchema.parse(two));
  t.same(two.generated_text, ['Hello, ', 'Hello, ']);
  t.same(two.finish_reason, ['stop', 'stop']);
  t.same(two.prompt_tokens, [2, 2]);
  t.match(two.tokens[0][0], { id: 72, text: 'H', special: false, count_output_tokens: 1, prompt_cache_len: 0 });
  const [first, second] = two.tokens[0];
  t.equal(second.cumlogprob, first.logprob + second.logprob);
  t.match(engine.calls[1]?.params, { temperature: 0.5 });
  const ids = { stop_sequences: [[111], [108, 108]] };
  t.same((await json(await post('/generate', { inputs: 'Hi', parameters: ids }))).generated_text, ['He']);
  const regular = { regular_constraint: '[0-9]+', guided_json: '' };
  t.equal((await post('/generate', { inputs: 'Hi', parameters: regular })).status, 200);
  t.match(engine.calls.at(-1)?.params.constraint, { kind: 'grammar' });
});

t.test('/generate_stream: one event a token, LightLLM’s framing', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'né!' });
  for (const [path, body] of [
    ['/generate_stream', { inputs: 'Hi' }],
    ['/', { inputs: 'Hi', stream: true }],
  ] as const) {
    const response = await post(path, body);
    t.match(response.headers.get('content-type'), 'text/event-stream');
    const text = await response.clone().text();
    t.ok(
      text.split('\n').every((line) => line === '' || line.startsWith('data:{')),
      'no blank behind the colon, no [DONE]',
    );
    const events = await readEvents(response);
    t.equal(events.length, 5, 'four bytes and the end-of-text token');
    t.equal(events.map((e) => e.token.text).join(''), 'né!');
    t.same(
      events.map((e) => e.token.count_output_tokens),
      [1, 2, 3, 4, 5],
    );
    t.same(
      events.map((e) => e.finished),
      [false, false, false, false, true],
    );
    t.match(events.at(-1), { finish_reason: 'stop', generated_text: null, details: null, token: { special: true } });
    for (const event of events) t.doesNotThrow(() => generateEventSchema.parse(event));
  }
});

t.test('ranges and messages are LightLLM’s', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  // As in models whose logits have more rows than the tokenizer has tokens.
  const padding = engine.info.vocabSize;
  Object.assign(engine.info, { vocabSize: padding + 1 });
  const cases: [Json, string][] = [
    [{ temperature: -1 }, 'temperature must > 0.0, got -1'],
    [{ top_p: 0 }, 'top_p must be in (0.0, 1.0], got 0'],
    [{ top_k: 0 }, 'top_k must be -1 (disable), or at least 1, got 0.'],
    [{ frequency_penalty: -0.5 }, 'frequency_penalty must >= 0.0, got -0.5'],
    [{ n: 0 }, 'need 0 < n <= 8, n <= best_of, but got 0'],
    [{ min_new_tokens: 0 }, 'min_new_tokens must be at least 1, got 0.'],
    [{ seed: -2 }, 'seed must be -1 (random), or an integer in [0, 2^63-1], got -2'],
    [{ stop_sequences: new Array(11).fill('a') }, 'Too many stop sequence groups.'],
    [{ stop_sequences: 'a'.repeat(257) }, 'stop sequence string too long.'],
    [{ stop_sequences: [new Array(257).fill(1)] }, 'stop token length too long.'],
    [{ stop_sequences: '' }, 'parameters.stop_sequences'],
    [{ stop_sequences: [[9999999]] }, 'parameters.stop_sequences: Token id 9999999 is outside the vocabulary'],
    [{ stop_sequences: [[72, 9999998]] }, 'parameters.stop_sequences: Token id 9999998 is outside the vocabulary'],
    [
      { stop_sequences: [[padding, padding]] },
      'parameters.stop_sequences: Token ids that spell no text cannot end one',
    ],
    [{ exponential_decay_length_penalty: [-1, 1] }, 'ExponentialDecayLengthPenalty item0 must be int >= 0'],
    [{ exponential_decay_length_penalty: [1, 0.5] }, 'ExponentialDecayLengthPenalty item1 must be a float >= 1.0'],
    [{ exponential_decay_length_penalty: [1, 1.5] }, 'only a factor of 1.0'],
    [{ presence_penalty: -1 }, 'presence_penalty must >= 0.0, got -1'],
    [{ repetition_penalty: 0.5 }, 'repetition_penalty must >= 1.0, got 0.5'],
    [{ best_of: 9 }, 'need 0 < best_of <= 8, but got 9'],
    [{ best_of: 2, n: 1 }, 'current only supported n == best_of'],
    [{ max_new_tokens: 0 }, 'max_new_tokens must be at least 1, got 0.'],
    [{ max_new_tokens: 2, min_new_tokens: 3 }, 'min_new_tokens must <= max_new_tokens, but got min 3, max 2'],
    [{ guided_json: '{}', regular_constraint: 'a' }, 'regular_constraint and guided_json can not be used in same time'],
    [
      { allowed_token_ids: [1], guided_grammar: 'a' },
      'allowed_token_ids and guided_grammar can not be used in same time',
    ],
    [{ allowed_token_ids: new Array(257).fill(1) }, 'Too many allowed token IDs.'],
  ];
  for (const [parameters, message] of cases) {
    const response = await post('/generate', { inputs: 'x', parameters });
    t.equal(response.status, 400);
    const { error } = await json(response);
    t.match(error.message, message);
    t.match(error.param, /^parameters\./);
  }
  const two = await post('/generate_stream', { inputs: 'x', parameters: { best_of: 2 } });
  t.match((await json(two)).error.message, 'stream api only support best_of == 1');
  const neutral = { exponential_decay_length_penalty: [1, 1.0], seed: 2 ** 60 };
  t.equal((await post('/generate', { inputs: 'x', parameters: neutral })).status, 200);
  for (const [inputs, message] of [
    [[], 'prompt_ids is empty'],
    [[5000], 'prompt List[int] format contain id > vocab_size'],
  ] as const) {
    const response = await post('/generate', { inputs });
    t.equal(response.status, 400);
    t.match((await json(response)).error, { message: new RegExp(message.replace(/[[\]]/g, '\\$&')), param: 'inputs' });
  }
  t.equal((await post('/generate', { parameters: {} })).status, 400);
  t.equal((await post('/generate', { inputs: 'x', multimodal_params: {} })).status, 200);
});

t.test('--use_tgi_api', async (t) => {
  const { post, engine, server } = await startFakeServer({ useTgiApi: true });
  t.teardown(() => server.close());
  const parameters = { details: true, stop: [','], watermark: false, typical_p: 0.9, seed: 3 };
  const whole = await json(await post('/generate', { inputs: 'Hi', parameters }));
  t.match(whole, {
    generated_text: 'Hello',
    details: { generated_tokens: 6, finish_reason: 'stop', prompt_tokens: 3 },
  });
  t.equal(whole.details.tokens.length, 5);
  const events = await readEvents(await post('/generate_stream', { inputs: 'Hi', parameters: { max_new_tokens: 3 } }));
  t.match(events.at(-1), { generated_text: 'Hel', details: { generated_tokens: 3, finish_reason: 'length' } });
  t.equal(events[0].generated_text, null);

  // The fake engine finds "b" likelier than "c", and "c" likelier than "a".
  engine.script = ({ params }) => ({ text: ['a', 'b', 'c'][params.seed! - 3] });
  for (const details of [false, true]) {
    const parameters = { best_of: 3, details, seed: 3, do_sample: true, max_new_tokens: 1 };
    const best = await json(await post('/generate', { inputs: 'Hi', parameters }));
    t.equal(best.generated_text, 'b', 'the likeliest, with details or without');
    const others = best.details?.beam_sequences.map((beam: Json) => beam.generated_text);
    t.same(others, details ? ['c', 'a'] : undefined);
  }
});

t.test(
  'text-generation-inference’s parameters that have no effect are named, those that would matter refused',
  async (t) => {
    const log: string[] = [];
    t.capture(console, 'error', (line: string) => log.push(line));
    for (const useTgiApi of [false, true]) {
      const { post, engine, server } = await startFakeServer({ useTgiApi });
      t.teardown(() => server.close());
      const send = (path: string, parameters: Json) => post(path, { inputs: 'Hello', parameters });
      const odd = { typical_p: 0.9, watermark: true, decoder_input_details: true, return_full_text: true };
      for (const path of ['/generate', '/generate_stream']) {
        const answer = await send(path, odd);
        t.equal(answer.status, 200);
        t.equal(
          answer.headers.get('x-skipped-parameters'),
          'typical_p, return_full_text, watermark, decoder_input_details',
          path,
        );
        await answer.text();
      }
      const nothing = { typical_p: null, watermark: false, decoder_input_details: false, return_full_text: false };
      t.equal((await send('/generate', { ...nothing, top_n_tokens: 0 })).headers.get('x-skipped-parameters'), null);
      t.equal((await send('/generate', { truncate: 2 })).status, 200);
      t.same(engine.calls.at(-1)?.promptIds, [108, 111], 'the last two tokens');
      for (const [name, value] of [
        ['top_n_tokens', 5],
        ['truncate', 0],
      ] as const) {
        const refused = await send('/generate', { [name]: value });
        t.equal(refused.status, 400);
        t.equal((await json(refused)).error.param, `parameters.${name}`);
      }
    }
    t.equal(log.filter((line) => line.includes('watermark has no effect')).length, 1, 'the log says it once');
  },
);
