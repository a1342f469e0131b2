/**
 * One exam for every client library: against a server process with the default model, and against a scripted engine where
 * the answer must be known or must fail.
 */
import { Ajv } from 'ajv';
import type { Test } from 'tap';
import { EngineError } from '../../src/errors.ts';
import { serve, untilIdle } from './cli.ts';
import { defaultModel } from './default-model.ts';
import { startFakeServer, until } from './fake-server.ts';
import {
  type Answer,
  citySchema,
  type ClientLibrary,
  type Message,
  type Question,
  type TestClient,
} from './test-client.ts';

const model = defaultModel();
const ajv = new Ajv();
const capital: Message[] = [{ role: 'user', content: 'What is the capital of France?' }];
const weatherSchema = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 20 }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
  required: ['city'],
};
const weather = {
  type: 'function' as const,
  function: { name: 'get_weather', description: 'The weather in a city', parameters: weatherSchema },
};

/** Starts the server that all libraries are examined against, one after the other; gone after the test. */
export async function serveDefaultModel(t: Test): Promise<string> {
  const flags = '--port 0 --max_total_token_num 4096 --running_max_req_size 4 --batch_max_tokens 256'.split(' ');
  return (await serve(t, ['--model_dir', model.path, '--served_model_name', 'small', ...flags])).url;
}

/** @param url of `serveDefaultModel`, where nothing else is running */
export async function examine(t: Test, library: ClientLibrary, url: string): Promise<void> {
  const client = library.connect({ baseURL: `${url}/v1`, model: 'small', apiKey: 'none', retries: 0 });
  await t.test('chat, stream, stop strings and usage', (t) => answers(t, client));
  await t.test('question, call, result, answer', (t) => agentLoops(t, client));
  await t.test('structured output', (t) => structuredOutput(t, client));
  await t.test('giving up frees the slots', (t) => cancellation(t, client, url));
  await t.test('errors and retries', (t) => errors(t, library));
}

async function answers(t: Test, client: TestClient): Promise<void> {
  const whole = await client.ask({ messages: capital, stream: false, maxTokens: 24 });
  t.match(whole.text, /Paris/);
  t.equal(whole.finishReason, 'stop');
  t.equal(whole.usage.promptTokens, 37, 'the prompt in the model’s chat template');
  t.ok(whole.usage.completionTokens >= 8 && whole.usage.completionTokens <= 24);
  const streamed = await client.ask({ messages: capital, stream: true, maxTokens: 24 });
  t.ok(streamed.pieces > 3, 'came in pieces');
  t.same({ ...streamed, pieces: 1 }, whole, 'and gave the same');

  const cut = await client.ask({ messages: capital, stream: true, maxTokens: 3 });
  t.equal(cut.finishReason, 'length');
  t.equal(cut.usage.completionTokens, 3);
  for (const stream of [false, true]) {
    const stopped = await client.ask({ messages: capital, stream, maxTokens: 24, stop: ['nope', 'Paris'] });
    t.equal(stopped.text.trimEnd(), whole.text.split('Paris')[0].trimEnd());
    t.equal(stopped.finishReason, 'stop');
  }
}

/** As agents do it: the model must call first, then it may answer; at the latest on the third turn it has to. */
async function agentLoops(t: Test, client: TestClient): Promise<void> {
  for (const stream of [false, true]) {
    const messages: Message[] = [{ role: 'user', content: 'What is the weather in Paris?' }];
    const question = { stream, tools: [weather], maxTokens: 100, extra: { parallel_tool_calls: false } };
    let answer = await client.ask({ ...question, messages, toolChoice: 'required' });
    t.equal(answer.finishReason, 'tool_calls');
    t.equal(answer.calls.length, 1);
    for (let turn = 1; turn < 3 && answer.calls.length > 0; turn++) {
      messages.push(...afterCalls(t, answer));
      answer = await client.ask({ ...question, messages, maxTokens: 24 });
    }
    t.ok(answer.usage.promptTokens > 150, 'the tools and the turns before were in the prompt');
    t.ok(answer.text.length > 0 || answer.calls.length > 0);
  }
}

/** The assistant's calls and their results, as the next request has them. */
function afterCalls(t: Test, { text, calls }: Answer): Message[] {
  const isWeather = ajv.compile(weatherSchema);
  const written = calls.map(({ id, name, arguments: args }) => {
    const value: unknown = typeof args === 'string' ? JSON.parse(args) : args;
    t.equal(name, 'get_weather');
    t.match(id, /^call_\w+$/);
    t.ok(isWeather(value), `arguments validate: ${JSON.stringify(value)}`);
    return { id, type: 'function' as const, function: { name, arguments: JSON.stringify(value) } };
  });
  const results = calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '{"celsius": 21}' }));
  return [{ role: 'assistant', content: text, tool_calls: written }, ...results];
}

async function structuredOutput(t: Test, client: TestClient): Promise<void> {
  const isCity = ajv.compile(citySchema);
  for (const city of await client.structured([{ role: 'user', content: 'Describe the city of Paris as JSON.' }])) {
    t.ok(isCity(city), JSON.stringify(city));
  }
}

async function cancellation(t: Test, client: TestClient, url: string): Promise<void> {
  for (const stream of [true, false]) {
    const long = { messages: capital, maxTokens: 3000, extra: { ignore_eos: true } };
    await client.giveUp({ ...long, stream });
    await untilIdle(url);
  }
  const { usage } = await client.ask({ messages: capital, stream: false, maxTokens: 2 });
  t.equal(usage.completionTokens, 2, 'the server answers on');
}

async function errors(t: Test, library: ClientLibrary): Promise<void> {
  const { engine, server, url } = await startFakeServer({ apiKeys: ['right'] });
  t.teardown(() => server.close());
  const right = { baseURL: `${url}/v1`, model: 'fake', apiKey: 'right', retries: 0 };
  const client = library.connect(right);
  const ask = (client: TestClient, question: Partial<Question>) => () =>
    client.ask({ messages: capital, stream: false, ...question });
  const rejects = async (run: () => Promise<unknown>, status: 400 | 401 | 404 | 503, text: RegExp): Promise<void> => {
    const error = client.errorOf(
      await run().then(
        (value) => t.fail(JSON.stringify(value)),
        (thrown: unknown) => thrown,
      ),
    );
    t.equal(error.status, status, error.message);
    t.equal(error.name, library.errorNames[status]);
    t.match(error.message, text);
  };
  for (const stream of [false, true]) {
    await rejects(ask(client, { stream, temperature: -1 }), 400, /temperature/);
    const long = [{ role: 'user' as const, content: 'x'.repeat(5000) }];
    await rejects(ask(client, { stream, messages: long }), 400, /maximum context length is 4096/);
    await rejects(ask(library.connect({ ...right, apiKey: 'wrong' }), { stream }), 401, /API key/i);
    await rejects(ask(library.connect({ ...right, model: 'nobody' }), { stream }), 404, /nobody/);
  }

  const patient = library.connect({ ...right, retries: 2 });
  const full = new EngineError('queue_full', 'The queue is full.');
  let left = 1;
  engine.script = () => (left-- > 0 ? { text: '', failAfter: 0, error: full } : { text: 'at last' });
  t.equal((await ask(patient, {})()).text, 'at last', '429 is tried again');
  left = 1;
  t.equal((await ask(patient, { stream: true })()).text, 'at last');
  t.equal(engine.calls.length, 4);

  const dead = new EngineError('engine_dead', 'The engine died.');
  engine.script = () => ({ text: 'Hello', failAfter: 0, error: dead });
  await rejects(ask(client, {}), 503, /engine is not running/);
  engine.script = () => ({ text: 'Hello', failAfter: 3, error: dead });
  const thrown: unknown = await ask(client, { stream: true })().then(
    (value) => value,
    (error: unknown) => error,
  );
  t.match(client.errorOf(thrown).message, /engine is not running/, 'an error after streaming began is thrown too');

  engine.script = () => ({ text: 'a'.repeat(2000), delay: 5 });
  await client.giveUp({ messages: capital, stream: true });
  await until(() => engine.calls.at(-1)!.state === 'aborted');
  t.ok(engine.calls.at(-1)!.given < 1000);
}
