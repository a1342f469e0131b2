// Requests that want much work: the event loop of the HTTP thread is never held for long. What is measured is processor
// time, so a busy machine changes nothing; the bound is five times that of `npm run bench -- server --attack`.
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Attack, attacks } from '../helpers/attack-requests.ts';
import { defaultModel } from '../helpers/default-model.ts';
import { MeasuredServer } from '../helpers/measured-server.ts';

const model = defaultModel();
/** Milliseconds. */
const mostBlocked = 500;
const tries = 3;

async function start(t: Test, options: Parameters<typeof MeasuredServer.start>[1] = {}): Promise<MeasuredServer> {
  const server = await MeasuredServer.start(model.path, options);
  t.teardown(() => server.close());
  return server;
}

/** What it costs at least: a pause of the machine is not the request's. */
async function blockedBy(t: Test, server: MeasuredServer, attack: Attack): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < tries && least > mostBlocked; i++) {
    const { blocked, status } = await server.measure(attack);
    least = Math.min(least, blocked);
    if (status === 500) t.fail(`${attack.shape}: 500`);
  }
  return least;
}

t.test('a hundred attacks of every shape', { skip: model.unavailable }, async (t) => {
  const server = await start(t);
  for (const attack of attacks(1, 100, 10_000)) {
    const blocked = await blockedBy(t, server, attack);
    if (blocked > mostBlocked) t.fail(`${attack.shape}: ${blocked} ms: ${attack.path} ${attack.body?.slice(0, 200)}`);
  }
  t.equal((await fetch(`http://127.0.0.1:${server.port}/health`)).status, 200);
});

const json = (path: string, body: object): Omit<Attack, 'shape'> => ({ path, body: JSON.stringify(body) });
const chat = (content: string) => json('/v1/chat/completions', { messages: [{ role: 'user', content }] });
const guided = (fields: object) => json('/v1/completions', { prompt: 'a', ...fields });

function doubling(keyword: string): object {
  const both = (i: number): object[] => [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }];
  const definitions = Array.from({ length: 40 }, (_, i) => [`d${i}`, { [keyword]: both(i) }] as const);
  return { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(definitions), d40: { type: 'string' } } };
}

/** What froze or killed the server once. */
const single: Readonly<Record<string, readonly Omit<Attack, 'shape'>[]>> = {
  'expressions that count in counts': [
    guided({ guided_regex: '(a{0,190}){0,100}' }),
    guided({ guided_regex: '(a|b)*a(a|b){200}' }),
    guided({ guided_regex: `(${Array.from({ length: 3000 }, (_, i) => String.fromCharCode(0x4e00 + i)).join('|')})*` }),
  ],
  'schemas that double, or are wide': [
    guided({ guided_json: doubling('allOf') }),
    guided({ guided_json: doubling('anyOf') }),
    guided({ guided_json: { enum: Array.from({ length: 90_000 }, (_, i) => i) } }),
    guided({ guided_json: { oneOf: Array.from({ length: 3000 }, (_, i) => ({ const: i })) } }),
  ],
  'prompts times n': [json('/v1/completions', { prompt: Array<string>(60_000).fill('a'), n: 128 })],
  'lists of what is wrong': [
    { path: '/v1/completions', body: `{"n":1}` },
    { path: '/v1/completions', body: `{"prompt":[${'[],'.repeat(100_000)}1.5]}` },
    { path: '/v1/completions', body: `{"prompt":[${'[],'.repeat(5_000_000)}1.5]}` },
    { path: '/v1/chat/completions', body: `{"messages":[${'1,'.repeat(500_000)}1]}` },
    guided({ logit_bias: Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`x${i}`, 1])) }),
  ],
  'long texts': [
    chat('a b '.repeat(1_500_000)),
    json('/tokenize', { prompt: ' '.repeat(50_000), return_token_strs: true }),
    json('/tokenize', { prompt: ' '.repeat(15_000_000) }),
    json('/v1/chat/completions', { messages: Array<object>(15_000).fill({ role: 'user', content: 'a' }) }),
  ],
  'a grammar that counts in counts': [guided({ guided_grammar: 'root ::= (("a"{1,1000}){1,1000}){1,1000}' })],
  'a template that loops': [chat('loop')],
  'a body that never ends': [
    { path: '/v1/completions', body: `{"prompt":"${'a'.repeat(15_000_000)}`, unfinished: true },
  ],
};
const template =
  "{% if messages[0].content == 'loop' %}{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}" +
  '{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}';

t.test('/health answers under each single one', { skip: model.unavailable }, async (t) => {
  const server = await start(t, { chatTemplate: template, seconds: 1 });
  for (const [shape, requests] of Object.entries(single)) {
    let over = false;
    let polls = 0;
    const poll = async (): Promise<void> => {
      for (; !over; polls++) {
        const { status } = await fetch(`http://127.0.0.1:${server.port}/health`);
        if (status !== 200) t.fail(`${shape}: /health says ${status}`);
        await sleep(10);
      }
    };
    const polling = poll();
    let most = 0;
    for (const request of requests) most = Math.max(most, await blockedBy(t, server, { shape, ...request }));
    over = true;
    await polling;
    t.ok(most <= mostBlocked, `${shape}: others waited ${Math.round(most)} ms at most, ${polls} polls`);
  }
});
