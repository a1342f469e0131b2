/** The requests that once froze or killed the server, one by one; for the test of them and for `bench -- server --attack`. */
import type { Attack } from './attack-requests.ts';

const json = (path: string, body: object): Omit<Attack, 'shape'> => ({ path, body: JSON.stringify(body) });
const chat = (content: string) => json('/v1/chat/completions', { messages: [{ role: 'user', content }] });
const guided = (fields: object) => json('/v1/completions', { prompt: 'a', ...fields });

function doubling(keyword: string): object {
  const both = (i: number): object[] => [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }];
  const definitions = Array.from({ length: 40 }, (_, i) => [`d${i}`, { [keyword]: both(i) }] as const);
  return { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(definitions), d40: { type: 'string' } } };
}

/** What froze or killed the server once. */
export const namedAttacks: Readonly<Record<string, readonly Omit<Attack, 'shape'>[]>> = {
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
/** A chat template that does not end when the first message is "loop". */
export const loopingTemplate =
  "{% if messages[0].content == 'loop' %}{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}" +
  '{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}';
