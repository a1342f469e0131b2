// A field that constrains the answer is kept or refused on every API, and working it out never holds up the HTTP thread.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import t from 'tap';
import { ConstraintMaker, constraintPool } from '../../src/server/constraints/constraint-maker.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { GrammarWalker } from '../helpers/walk-grammar.ts';
import { json } from '../helpers/wire.ts';

const { engine, post, server } = await startFakeServer();
const tgi = await startFakeServer({ useTgiApi: true });
t.teardown(() => Promise.all([server.close(), tgi.server.close()]));
const walker = await GrammarWalker.create(7);
const schema = { enum: ['kept'] };
const messages = [{ role: 'user', content: 'Say it.' }];

const apis: Record<string, (fields: object) => [string, object]> = {
  chat: (fields) => ['/v1/chat/completions', { messages, ...fields }],
  completions: (fields) => ['/v1/completions', { prompt: 'Say it.', ...fields }],
  responses: (fields) => ['/v1/responses', { input: 'Say it.', ...fields }],
  messages: (fields) => ['/v1/messages', { model: 'fake', max_tokens: 9, messages, ...fields }],
  generate: (fields) => ['/generate', { inputs: 'Say it.', parameters: fields }],
};

/** A text under the constraint that the engine was given. */
async function constrained(fake: typeof tgi, path: string, body: object): Promise<string | null> {
  const response = await fake.post(path, body);
  const text = await response.text();
  if (response.status !== 200) return text;
  const { constraint } = fake.engine.calls.at(-1)!.params;
  return constraint === null ? null : walker.text(constraint);
}

t.test('every API keeps every field', async (t) => {
  const kept: [string, object][] = [
    ['guided_json', { guided_json: schema }],
    ['json_schema', { json_schema: JSON.stringify(schema) }],
    ['response_format', { response_format: { type: 'json_schema', json_schema: { name: 'n', schema } } }],
    ['response_format of TGI', { response_format: { type: 'json_object', value: schema } }],
    ['response_format json', { response_format: { type: 'json', value: schema } }],
    ['structured_outputs', { structured_outputs: { json: schema } }],
    ['grammar of TGI', { grammar: { type: 'json_schema', value: { name: 'n', schema } } }],
    ['grammar json', { grammar: { type: 'json', value: schema } }],
    ['grammar regex', { grammar: { type: 'regex', value: '"kept"' } }],
    ['guided_choice', { guided_choice: ['"kept"'] }],
    ['regex', { regex: '"kept"' }],
    ['ebnf', { ebnf: 'root ::= "\\"kept\\""' }],
    ['GBNF', { grammar: 'root ::= quote the-word quote # as is\nthe-word ::= "k" [e]\n  "pt"\nquote ::= "\\x22"' }],
  ];
  for (const [name, fields] of kept) {
    for (const [api, request] of Object.entries(apis)) {
      t.equal(await constrained({ engine, post } as typeof tgi, ...request(fields)), '"kept"', `${api}: ${name}`);
    }
    t.equal(await constrained(tgi, ...apis['generate'](fields)), '"kept"', `TGI: ${name}`);
  }
  const own: [string, object][] = [
    ['messages', { output_config: { format: { type: 'json_schema', schema } } }],
    ['messages', { output_format: { type: 'json_schema', schema } }],
    ['responses', { text: { format: { type: 'json_schema', name: 'n', schema } } }],
  ];
  for (const [api, fields] of own) {
    t.equal(await constrained({ engine, post } as typeof tgi, ...apis[api](fields)), '"kept"', `${api}: its own field`);
  }
});

t.test('what cannot be kept is refused, by its name', async (t) => {
  const refused: [object, RegExp][] = [
    [{ grammar_lazy: true }, /grammar_lazy/],
    [{ format: 'json' }, /format/],
    [{ nvext: { guided_json: schema } }, /nvext/],
    [{ grammar: 'root ::= <think>' }, /grammar: the grammar names tokens \(at 9\)/],
    [{ grammar: 'root = "a"' }, /grammar: the grammar is no GBNF at 5/],
    [{ grammar: 'root ::= [z-a]' }, /out of order/],
    [{ structured_outputs: { json: schema, whitespace_pattern: ' ' } }, /whitespace_pattern/],
    [{ guided_json: { $ref: '#/%' } }, /URI malformed/],
    [{ guided_json: schema, grammar: 'root ::= "a"' }, /cannot be used together/],
    [{ guided_json: { enum: Array(200_000).fill(0) } }, /guided_json: .*more than 100000 values/],
    [{ guided_regex: 'a'.repeat(2_100_000) }, /guided_regex: .*more than 2000000 characters/],
  ];
  for (const [fields, message] of refused) {
    for (const [api, request] of Object.entries(apis)) {
      const response = await post(...request(fields));
      const { error } = await json(response);
      t.equal(response.status, 400, `${api}: ${JSON.stringify(fields).slice(0, 80)}`);
      t.match(error.message, message, api);
    }
  }
});

t.test('tools whose parameters are no object', async (t) => {
  const tool = (parameters: object) => ({ type: 'function', function: { name: 'f', parameters } });
  const ask = (parameters: object, tool_choice: string) =>
    post('/v1/chat/completions', { messages, tools: [tool(parameters)], tool_choice });
  const response = await ask({ type: 'hiccup' }, 'required');
  t.equal(response.status, 400);
  t.match((await json(response)).error.message, /tools: the parameters of f: the type is "hiccup"/);
  t.equal((await ask({ type: 'hiccup' }, 'auto')).status, 200, 'under auto any arguments may come');
  t.equal((await ask({ type: 'object', properties: { a: {} }, required: null }, 'required')).status, 200, 'from MCP');
  t.equal((await ask({ properties: null, required: null, additionalProperties: null }, 'required')).status, 200);
});

t.test('the HTTP thread stays free while workers refuse what is too much', async (t) => {
  const pool = constraintPool('', 4);
  const busy = await startFakeServer({}, { constraints: new ConstraintMaker(pool) });
  t.teardown(() => Promise.all([busy.server.close(), pool.close()]));
  const ok = await busy.post('/v1/completions', { prompt: 'a', guided_regex: '[ab]' });
  t.equal(ok.status, 200, 'the workers are up');
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const before = process.cpuUsage();
  const attacks = Array.from({ length: 6 }, (_, i) =>
    busy.post('/v1/completions', { prompt: 'a', guided_regex: `(${'ab'[i % 2]}{0,190}){0,10${i}}` }),
  );
  const answers = Promise.all(attacks).then((all) => all.map(({ status }) => status));
  const health = await fetch(`${busy.url}/health`);
  t.equal(health.status, 200);
  const statuses = await answers;
  delay.disable();
  const cpu = process.cpuUsage(before);
  t.ok(
    statuses.every((status) => status === 400 || status === 429),
    statuses.join(),
  );
  t.ok(statuses.includes(400));
  // In this thread they would take a second of CPU each.
  t.ok((cpu.user + cpu.system) / 1e6 < 1, `${(cpu.user + cpu.system) / 1e6} s of CPU in the server's process`);
  t.comment(`longest delay of the event loop: ${delay.max / 1e6} ms`);
});

t.test('more than the workers’ queue holds is 429', async (t) => {
  const pool = constraintPool('', 1);
  const busy = await startFakeServer({}, { constraints: new ConstraintMaker(pool) });
  t.teardown(() => Promise.all([busy.server.close(), pool.close()]));
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, i) => busy.post('/v1/completions', { prompt: 'a', guided_regex: `x{${i}}` })),
  );
  const statuses = all.map(({ status }) => status);
  t.ok(statuses.includes(429) && statuses.includes(200), statuses.join());
});
