// Which value holds: the request's, the flag's, the model's; and what the server says of it.
import { Command } from 'commander';
import t from 'tap';
import { addSettings, readSettings } from '../../src/commands/flags.ts';
import { chooseSampling, samplingLine } from '../../src/commands/sampling.ts';
import { serverSettings } from '../../src/config.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { json } from '../helpers/wire.ts';

const model = { source: 'generation_config.json', values: { temperature: 0.2, topP: 0.9 } };
const messages = [{ role: 'user', content: 'Hi' }];

/** A server with these flags over a model that wants 0.2 and 0.9. */
async function serve(t: Tap, ...flags: string[]) {
  const command = addSettings(new Command('serve'), serverSettings).parse(flags, { from: 'user' });
  const chosen = chooseSampling(model, readSettings(command, serverSettings));
  const { engine, post, url, server } = await startFakeServer({}, chosen);
  t.teardown(() => server.close());
  const params = async (path: string, body: object) => {
    t.equal((await post(path, body)).status, 200);
    const { temperature, topP, topK, minP, repetitionPenalty } = engine.calls.at(-1)!.params;
    return [temperature, topP, topK, minP, repetitionPenalty];
  };
  const info = async () => (await json(await fetch(`${url}/server_info`))).sampling_defaults;
  return { params, info, line: samplingLine(chosen) };
}
type Tap = Pick<typeof t, 'teardown' | 'equal'>;

t.test('the model’s, unless the request says otherwise', async (t) => {
  const { params, info, line } = await serve(t);
  t.same(await params('/v1/chat/completions', { messages }), [0.2, 0.9, -1, 0, 1]);
  t.same(await params('/v1/completions', { prompt: 'x', temperature: 1, top_p: 1 }), [1, 1, -1, 0, 1]);
  t.same(await params('/v1/completions', { prompt: 'x', temperature: 0 }), [0, 0.9, -1, 0, 1]);
  t.match(await info(), { temperature: 0.2, top_p: 0.9, top_k: -1, source: 'generation_config.json' });
  t.equal(line, 'temperature 0.2, top_p 0.9 unless a request says otherwise (generation_config.json)');
});

t.test('LightLLM’s /generate is greedy unless it is told to sample', async (t) => {
  const { params } = await serve(t);
  t.equal((await params('/generate', { inputs: 'x' }))[0], 0);
  t.equal(
    (await params('/generate', { inputs: 'x', parameters: { temperature: 0.7 } }))[0],
    0,
    'whatever the temperature',
  );
  t.equal((await params('/generate', { inputs: 'x', parameters: { do_sample: true } }))[0], 0.2);
  t.equal((await params('/generate', { inputs: 'x', parameters: { do_sample: true, temperature: 0.7 } }))[0], 0.7);
});

t.test('flags hold over the model’s', async (t) => {
  const flags = ['--temp', '0.5', '--top_k', '0', '--min_p=0.1', '--repeat_penalty', '1.1'];
  const { params, info, line } = await serve(t, ...flags);
  t.same(await params('/v1/chat/completions', { messages }), [0.5, 0.9, -1, 0.1, 1.1], 'top_k 0 is off');
  t.same(await params('/v1/chat/completions', { messages, min_p: 0, top_k: 5 }), [0.5, 0.9, 5, 0, 1.1]);
  t.match(await info(), { source: /^--temperature, --top_k, --min_p, --repetition_penalty, generation_config\.json$/ });
  t.match(line, /^temperature 0\.5, top_p 0\.9, min_p 0\.1, repetition_penalty 1\.1 unless/);
  const nucleus = await serve(t, '--top_p', '0');
  t.same(
    await nucleus.params('/v1/chat/completions', { messages }),
    [0.2, 1, 1, 0, 1],
    'top_p 0 is the likeliest alone',
  );
});

t.test('OpenAI’s defaults instead of the model’s', async (t) => {
  const { params, info } = await serve(t, '--sampling_defaults', 'openai');
  t.same(await params('/v1/chat/completions', { messages }), [1, 1, -1, 0, 1]);
  t.match(await info(), { temperature: 1, top_p: 1, source: /OpenAI/ });
});
