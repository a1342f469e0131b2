// Which requests are computed with the adapter for tools, and with which prompt.
import t from 'tap';
import { startFakeServer } from '../helpers/fake-server.ts';
import { json, type Json } from '../helpers/wire.ts';

const template =
  '{% for tool in tools or [] %}[{{ tool.function.name }}]{% endfor %}' +
  '{% for m in messages %}<{{ m.role }}>{{ m.content }}' +
  '{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}';
const messages = [{ role: 'user', content: 'Hi' }];
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = [{ type: 'function', function: { name: 'weather', parameters } }];
const call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>';

async function serve() {
  const overrides = { toolsAdapter: 'brought', toolsTemplateSource: template };
  const formats = { toolCallParser: 'mistral', reasoningParser: null };
  const fake = await startFakeServer({}, { ...overrides, formats });
  t.teardown(() => fake.server.close());
  await fake.engine.loadAdapter('brought', '/adapters/brought');
  await fake.engine.loadAdapter('mine', '/adapters/mine');
  fake.engine.script = () => ({ text: call });
  const asked = async (body: object) => {
    const answer = await json(await fake.post('/v1/chat/completions', { messages, ...body }));
    const { adapter, promptText } = fake.engine.calls.at(-1)!;
    return { adapter, promptText, message: answer.choices[0].message };
  };
  return { ...fake, asked };
}

t.test('requests with tools, unless they name another adapter or may not call', async (t) => {
  const { asked } = await serve();
  const withTools = await asked({ tools });
  t.match(withTools, { adapter: 'brought', promptText: '[weather]<user>Hi' });
  t.equal(withTools.message.tool_calls[0].function.name, 'weather', 'read in its form, not in the model’s');
  t.match(await asked({ tools, model: 'brought' }), { adapter: 'brought', promptText: '[weather]<user>Hi' });
  t.match(await asked({ model: 'brought' }), { adapter: 'brought', promptText: '<user>Hi' });
  const plain = { adapter: undefined, promptText: '<|user|>Hi<|end|><|assistant|>' };
  t.match(await asked({}), plain);
  t.match(await asked({ tools, tool_choice: 'none' }), plain);
  const named = await asked({ tools, model: 'mine' });
  t.equal(named.adapter, 'mine');
  t.match(named.promptText, /You can call functions/);
});

t.test('once it is unloaded, tools are described to the model itself', async (t) => {
  const { asked, engine } = await serve();
  await engine.unloadAdapter('brought');
  const { adapter, promptText } = await asked({ tools });
  t.equal(adapter, undefined);
  t.match(promptText, /You can call functions/);
});

t.test('prompts are counted as they are generated from', async (t) => {
  const { post } = await serve();
  const length = '[weather]<user>Hi'.length;
  const given = { name: 'weather', input_schema: parameters };
  const anthropic = { model: 'fake', messages, tools: [given] };
  t.equal((await json(await post('/v1/messages/count_tokens', anthropic))).input_tokens, length);
  const responses = { input: 'Hi', tools: [{ type: 'function', name: 'weather', parameters }] };
  t.equal((await json(await post('/v1/responses/input_tokens', responses))).input_tokens, length);
  t.equal((await json(await post('/tokenize', { messages, tools }))).count, length);
});

t.test('prompts are counted with the tools that tool_choice leaves', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const names = ['weather', 'time_of_day'];
  const named = (name: string) => ({ type: 'function', name });
  const allowed = { type: 'allowed_tools', mode: 'auto', tools: [named('time_of_day')] };
  const lengths = new Set<number>();
  const compare = async (path: string, counting: string, body: Json) => {
    const { usage } = await json(await post(path, body));
    const { input_tokens: counted } = await json(await post(counting, body));
    t.equal(counted, engine.calls.at(-1)?.promptIds.length, `${path} ${JSON.stringify(body.tool_choice)}`);
    t.equal(counted, usage.input_tokens);
    lengths.add(counted);
  };
  for (const tool_choice of [undefined, 'none', 'auto', 'required', named('weather'), allowed]) {
    const functions = names.map((name) => ({ ...named(name), parameters }));
    const body = { input: 'Hi', tools: functions, tool_choice };
    await compare('/v1/responses', '/v1/responses/input_tokens', body);
  }
  for (const type of [undefined, 'none', 'auto', 'any', 'tool']) {
    const tool_choice = type && { type, ...(type === 'tool' ? { name: 'weather' } : {}) };
    const given = names.map((name) => ({ name, input_schema: parameters }));
    const body = { model: 'fake', max_tokens: 100, messages, tools: given, tool_choice };
    await compare('/v1/messages', '/v1/messages/count_tokens', body);
  }
  t.equal(lengths.size, 4, 'none, one, the other and both');
  const unknown = { input: 'Hi', tools: [{ ...named('weather'), parameters }], tool_choice: named('time') };
  t.match(await json(await post('/v1/responses/input_tokens', unknown)), { error: { param: 'tool_choice' } });
});
