// What the engine is told for each tool_choice, walked as a model that obeys it would.
import t from 'tap';
import { createToolCallParser } from '../../../src/text/tool-calls/create-parser.ts';
import { startFakeServer } from '../../helpers/fake-server.ts';
import { Merged } from '../../helpers/tool-call-cases.ts';
import { GrammarWalker } from '../../helpers/walk-grammar.ts';
import { json } from '../../helpers/wire.ts';

const tool = (name: string, parameters: object, strict = false) => ({
  type: 'function',
  function: { name, parameters, strict },
});
const ofEnum = (...values: string[]) => ({
  type: 'object',
  properties: { v: { enum: values } },
  required: ['v'],
  additionalProperties: false,
});
const tools = [tool('red', ofEnum('r')), tool('green', ofEnum('g', 'gg')), tool('blue', ofEnum('b'))];
const messages = [{ role: 'user', content: 'Paint.' }];
const chosen = (name: string) => ({ type: 'function', function: { name } });
const allowed = (mode: string, ...names: string[]) => ({
  type: 'allowed_tools',
  allowed_tools: { mode, tools: names.map(chosen) },
});

const { engine, post, server } = await startFakeServer();
t.teardown(() => server.close());
const walker = await GrammarWalker.create(5);

/** Texts that the constraint of a request allows; null where there is no constraint. */
async function walks(fields: object, count = 6): Promise<string[] | null> {
  const response = await post('/v1/chat/completions', { model: 'fake', messages, tools, ...fields });
  t.equal(response.status, 200, JSON.stringify(fields));
  await response.arrayBuffer();
  const { constraint } = engine.calls.at(-1)!.params;
  if (constraint === null) return null;
  const texts: string[] = [];
  for (let i = 0; i < count; i++) texts.push((await walker.text(constraint, 1500)) ?? '');
  return texts.filter((text) => text !== '');
}

function read(text: string): Merged {
  const parser = createToolCallParser('qwen25', []);
  const merged = new Merged();
  merged.add(parser.push(text));
  merged.add(parser.end('eos'));
  return merged;
}

const namesOf = (texts: readonly string[] | null) =>
  new Set(texts?.flatMap((text) => read(text).calls.map((call) => call.name)));

t.test('none: no tools, no constraint', async (t) => {
  t.equal(await walks({ tool_choice: 'none' }), null);
  t.notMatch(engine.calls.at(-1)?.promptText, /<tools>/);
});

t.test('required: calls and nothing else', async (t) => {
  const texts = (await walks({ tool_choice: 'required' }, 12)) ?? [];
  t.ok(texts.length > 0);
  for (const text of texts) {
    const { calls, content } = read(text);
    t.ok(calls.length >= 1 && content === '', text);
    t.ok(calls.every(({ name, arguments: args }) => JSON.parse(args).v.startsWith(name.charAt(0))));
  }
  const one = (await walks({ tool_choice: 'required', parallel_tool_calls: false })) ?? [];
  t.ok(one.length > 0 && one.every((text) => read(text).calls.length === 1), 'one call without parallel calls');
});

t.test('one function: one call of it', async (t) => {
  const texts = (await walks({ tool_choice: chosen('green') })) ?? [];
  t.ok(texts.length > 0 && texts.every((text) => read(text).calls.length === 1));
  t.strictSame(namesOf(texts), new Set(['green']));
});

t.test('allowed tools', async (t) => {
  const texts = await walks({ tool_choice: allowed('required', 'red', 'blue') }, 12);
  t.notOk(namesOf(texts).has('green'));
  t.ok(namesOf(texts).size > 0);
  await walks({ tool_choice: allowed('auto', 'red') }, 0);
  const { constraint } = engine.calls.at(-1)!.params;
  t.match(constraint?.text, /TagDispatch/);
  t.notMatch(constraint?.text, /green/);
});

t.test('auto: free until the tag; with a response format, that or calls', async (t) => {
  await walks({ tool_choice: 'auto' }, 0);
  t.match(engine.calls.at(-1)?.params.constraint?.text, /TagDispatch.*<tool_call>|TagDispatch.*u003ctool_call/);
  const format = { type: 'json_schema', json_schema: { name: 'n', schema: { enum: [7] } } };
  const texts = (await walks({ response_format: format }, 16)) ?? [];
  t.ok(texts.every((text) => text === '7' || read(text).calls.length > 0));
  t.ok(texts.length > 0);
});

t.test('a schema that cannot be kept: 400 when it must be, else any arguments', async (t) => {
  const odd = tool('odd', { type: 'object', properties: { a: { not: {} } } });
  const ask = async (fields: object) =>
    post('/v1/chat/completions', { model: 'fake', messages, tools: [odd], ...fields });
  t.equal((await ask({})).status, 200);
  const forced = await ask({ tool_choice: 'required' });
  t.equal(forced.status, 400);
  t.match((await json(forced)).error.message, /the parameters of odd: the schema at #\/properties\/a\/not/);
  const strict = await ask({ tools: [{ ...odd, function: { ...odd.function, strict: true } }] });
  t.equal(strict.status, 400, 'strict under auto');
  for (const tool_choice of [chosen('other'), allowed('auto', 'other'), 'sometimes'])
    t.match((await json(await ask({ tool_choice }))).error, { param: 'tool_choice' });
});

t.test('what constrains the whole output is refused beside a forced call, and never dropped', async (t) => {
  const ask = (fields: object) => post('/v1/chat/completions', { model: 'fake', messages, tools, ...fields });
  for (const tool_choice of ['required', chosen('red')]) {
    const refused = await ask({ tool_choice, guided_regex: 'a+' });
    t.equal(refused.status, 400);
    t.match((await json(refused)).error, { param: 'guided_regex', message: /tool_choice asks for a call/ });
  }
  t.equal((await ask({ tool_choice: 'required', response_format: { type: 'json_object' } })).status, 200);
});
