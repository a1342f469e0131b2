/** Requests that want much work for few bytes: shapes that have frozen or killed servers, and changes of them, by seed. */
import { random } from './random.ts';

export interface Attack {
  readonly shape: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The last byte of the body never comes. */
  readonly unfinished?: boolean;
}

class Dice {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = random(seed);
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }

  /** 1 … most: the most, now and then, else each order of magnitude as likely. */
  size(most: number): number {
    return Math.max(1, Math.floor(this.below(3) === 0 ? most : most ** this.next()));
  }
}

/** Units of texts: a run of one of them, or a mixture. */
// prettier-ignore
const units = [
  ' ', '\n', '\t', ' \n', 'a', 'ab', 'A', '1', '漢', '漢字', 'é', 'e\u0301', '\u0301', '\u200d', '😀', '👩‍👩‍👧', '<', '<|im_end|>',
  '"', '\\', '\u0000', '\ud800', "'s", '_', '-', '!', 'a ', ' a', 'a1', 'iVBORw0KGgo', '{{', '{% for', '\u00a0', '\u3000', 'ก', 'ا',
];

function text(d: Dice, most: number): string {
  const length = d.size(most);
  if (d.below(4) > 0) {
    const unit = d.pick(units);
    return unit.repeat(Math.ceil(length / unit.length));
  }
  const few = Array.from({ length: 1 + d.below(8) }, () => d.pick(units));
  let mixed = '';
  while (mixed.length < length) mixed += d.pick(few).repeat(d.size(20));
  return mixed;
}

const list = <T>(d: Dice, most: number, make: () => T): T[] => Array.from({ length: d.size(most) }, make);
const map = <T>(d: Dice, most: number, make: () => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: d.size(most) }, (_, i) => [`k${i}`, make()]));
const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

function regex(d: Dice): string {
  let pattern = d.pick(['a', '.', '[^a]', '\\w', '[一-龥]', '(a|b)*a(a|b)']);
  for (let i = d.below(6); i >= 0; i--) {
    const n = d.size(2000);
    pattern = d.pick([
      `(${pattern}){0,${n}}`,
      `(${pattern})*`,
      `(${pattern}|${pattern})`,
      `(${pattern}){${n}}b`,
      `(${pattern}+)+`,
      `(${Array.from({ length: d.size(3000) }, (_, k) => String.fromCharCode(0x4e00 + k)).join('|')})*${pattern}`,
    ]);
    if (pattern.length > 50_000) break;
  }
  return pattern;
}

function ebnf(d: Dice): string {
  let rule = d.pick(['"a"', '[a-z]', '"漢"', '("a" | "b")', 'root']);
  for (let i = d.below(5); i >= 0; i--)
    rule = d.pick([`(${rule}){1,${d.size(5000)}}`, `(${rule})*`, `(${rule} ${rule})`, `(${rule} | ${rule})`]);
  const more = Array.from({ length: d.size(500) }, (_, i) => `r${i} ::= r${i + 1} r${i + 1} | "a"`);
  return d.below(2) === 0 ? `root ::= ${rule}` : [`root ::= r0`, ...more, `r${more.length} ::= ${rule}`].join('\n');
}

function schema(d: Dice): unknown {
  const leaf = (): unknown =>
    d.pick<unknown>([{ type: 'string' }, { type: 'integer', minimum: d.size(1e15) }, true, {}]);
  const keyword = d.pick(['allOf', 'anyOf', 'oneOf']);
  switch (d.below(8)) {
    case 0: {
      const depth = d.size(60);
      const definitions = Array.from({ length: depth }, (_, i) => {
        const reference = { $ref: `#/$defs/d${i + 1}` };
        return [`d${i}`, { [keyword]: [reference, reference] }] as const;
      });
      return { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(definitions), [`d${depth}`]: leaf() } };
    }
    case 1:
      return { type: 'object', properties: map(d, 20_000, leaf), required: list(d, 2000, () => `k${d.below(2000)}`) };
    case 2:
      return { enum: list(d, 50_000, () => d.below(1e6)) };
    case 3:
      return { [keyword]: list(d, 5000, () => ({ type: 'object', properties: map(d, 5, leaf) })) };
    case 4:
      return { type: 'string', pattern: regex(d), maxLength: d.size(1e5) };
    case 5:
      return { type: 'array', items: leaf(), minItems: d.size(1e6), maxItems: d.size(1e9), uniqueItems: true };
    case 6: {
      const depth = d.size(400);
      return JSON.parse(`${'{"items":'.repeat(depth)}{}${'}'.repeat(depth)}`) as unknown;
    }
    default:
      return { type: 'object', patternProperties: { [regex(d)]: leaf() }, dependentRequired: map(d, 500, () => ['a']) };
  }
}

const tool = (d: Dice, i: number, parameters: unknown) => ({
  type: 'function',
  function: { name: `f${i}`, description: text(d, 2000), parameters },
});

/** Fields that go into a body of any of the two big endpoints. */
const fields: Readonly<Record<string, (d: Dice, most: number) => object>> = {
  logit_bias: (d, most) => ({
    logit_bias: Object.fromEntries(Array.from({ length: d.size(most / 10) }, (_, i) => [i, d.below(200) - 100])),
  }),
  stop: (d, most) => ({ stop: list(d, Math.min(most / 4, 1e5), () => text(d, 8)) }),
  bad_words: (d, most) => ({ bad_words: list(d, most / 8, () => text(d, 8)) }),
  stop_token_ids: (d, most) => ({ stop_token_ids: list(d, most / 6, () => d.below(49_000)) }),
  allowed_token_ids: (d, most) => ({ allowed_token_ids: list(d, most / 6, () => d.below(49_000)) }),
  metadata: (d, most) => ({ metadata: map(d, most / 12, () => 'v') }),
  kwargs: (d, most) => ({ chat_template_kwargs: map(d, most / 12, () => [1]) }),
  unknown: (d, most) => map(d, most / 12, () => 1),
  regex: (d) => ({ guided_regex: regex(d) }),
  grammar: (d) => ({ guided_grammar: ebnf(d) }),
  json: (d) => ({ guided_json: schema(d) }),
  choice: (d, most) => ({ guided_choice: list(d, most / 10, () => text(d, 20)) }),
  tag: (d) => ({
    structural_tag: JSON.stringify({ format: { type: 'json_schema', json_schema: schema(d) } }),
  }),
  n: (d) => ({ n: d.size(200), logprobs: d.below(6) }),
};

/** Bodies by shape; `most` is about how many characters they may have. */
const bodies: Readonly<Record<string, (d: Dice, most: number) => readonly [path: string, body: object]>> = {
  prompt: (d, most) => ['/v1/completions', { prompt: text(d, most), max_tokens: 1 }],
  prompts: (d, most) => ['/v1/completions', { prompt: list(d, most / 4, () => 'a'), n: d.size(128), max_tokens: 1 }],
  'prompt ids': (d, most) => ['/v1/completions', { prompt: list(d, most / 6, () => d.below(49_000)), echo: true }],
  chat: (d, most) => ['/v1/chat/completions', { messages: [{ role: 'user', content: text(d, most) }] }],
  messages: (d, most) => [
    '/v1/chat/completions',
    { messages: list(d, most / 40, () => ({ role: d.pick(['user', 'assistant', 'system']), content: text(d, 9) })) },
  ],
  'tool messages': (d, most) => [
    '/v1/chat/completions',
    { messages: list(d, most / 60, () => ({ role: 'tool', tool_call_id: 'a', content: text(d, 9) })) },
  ],
  parts: (d, most) => [
    '/v1/chat/completions',
    { messages: [{ role: 'user', content: list(d, most / 26, () => ({ type: 'text', text: 'a' })) }] },
  ],
  image: (d, most) => [
    d.pick(['/v1/chat/completions', '/v1/messages']),
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgo'.repeat(most / 11)}` } }] }] }, // prettier-ignore
  ],
  tools: (d, most) => [
    '/v1/chat/completions',
    {
      messages: [{ role: 'user', content: 'a' }],
      tools: list(d, Math.min(200, most / 100), () => 0).map((_, i) => tool(d, i, d.below(3) === 0 ? schema(d) : {})),
      tool_choice: d.pick(['auto', 'required']),
    },
  ],
  tokenize: (d, most) => ['/tokenize', { prompt: text(d, most), return_token_strs: d.below(2) === 0 }],
  detokenize: (d, most) => ['/detokenize', { tokens: list(d, most / 6, () => d.below(49_000)) }],
  tokens: (d, most) => ['/tokens', { text: text(d, most) }],
  count_tokens: (d, most) => [
    '/v1/messages/count_tokens',
    { model: 'fake', messages: list(d, most / 60, () => ({ role: 'user', content: [{ type: 'text', text: text(d, 20) }] })) }, // prettier-ignore
  ],
  anthropic: (d, most) => [
    '/v1/messages',
    { model: 'fake', max_tokens: 1, system: text(d, most), messages: list(d, most / 60, () => ({ role: d.pick(['user', 'assistant', 'system']), content: 'a' })) }, // prettier-ignore
  ],
  'response items': (d, most) => [
    d.pick(['/v1/responses', '/v1/responses/input_tokens']),
    {
      input: list(d, most / 80, () =>
        d.pick([
          { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
          { type: 'function_call_output', call_id: 'a', output: 'b' },
          { role: 'user', content: 'a' },
        ]),
      ),
    },
  ],
  'response calls': (d, most) => [
    '/v1/responses',
    { input: list(d, most / 80, () => ({ type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' })) },
  ],
  embeddings: (d, most) => ['/v1/embeddings', { input: list(d, Math.min(3000, most / 4), () => text(d, 30)) }],
  'embedding text': (d, most) => ['/v1/embeddings', { input: text(d, most) }],
  score: (d, most) => ['/v1/score', { text_1: 'a', text_2: list(d, Math.min(3000, most / 4), () => text(d, 30)) }],
  generate: (d, most) => ['/generate', { inputs: text(d, most), parameters: { n: d.size(128), max_new_tokens: 1 } }],
};

/** Bytes that no client makes with a JSON library. */
const raw: Readonly<Record<string, (d: Dice, most: number) => Omit<Attack, 'shape'>>> = {
  lists: (d, most) => ({ path: '/v1/completions', body: `{"prompt":[${'[],'.repeat(most / 3)}1.5]}` }),
  numbers: (d, most) => ({ path: '/v1/chat/completions', body: `{"messages":[${'1,'.repeat(most / 2)}1]}` }),
  digits: (d, most) => ({ path: '/v1/completions', body: `{"prompt":"a","seed":${'9'.repeat(most)}}` }),
  deep: (d, most) => ({ path: '/v1/completions', body: `{"prompt":${nested('[', ']', most / 2)}}` }),
  'deep objects': (d, most) => {
    const depth = Math.min(500, Math.ceil(most / 6));
    return {
      path: '/v1/completions',
      body: `{"prompt":"a","guided_json":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`,
    };
  },
  keys: (d, most) => {
    const keys = Array.from({ length: most / 12 }, (_, i) => `"${i.toString(36)}${d.pick(['', '.', 'x'])}":1`);
    return {
      path: '/v1/completions',
      body: `{"prompt":"a","${d.pick(['logit_bias', 'user', 'metadata', 'x'])}":{${keys.join()}}}`,
    };
  },
  'same keys': (d, most) => ({ path: '/v1/completions', body: `{${'"prompt":"a",'.repeat(most / 13)}"n":1}` }),
  escapes: (d, most) => ({
    path: '/tokens',
    body: `{"text":"${d.pick(['\\u0020', '\\n', '\\ud83d', '\\"']).repeat(most / 6)}"}`,
  }),
  spaces: (d, most) => ({ path: '/tokens', body: `{"text":"a"${' '.repeat(most)}}` }),
  garbage: (d, most) => ({ path: '/v1/messages', body: text(d, most) }),
  unfinished: (d, most) => ({ path: '/v1/completions', body: `{"prompt":"${'a'.repeat(most)}`, unfinished: true }),
  path: (d, most) => ({ method: 'GET', path: `/v1/models${'/a%2f'.repeat(Math.min(2500, most / 5))}` }),
  slashes: (d, most) => ({ method: 'GET', path: '/'.repeat(Math.min(15_000, most)) }),
  query: (d, most) => ({ method: 'GET', path: `/health?${'a=b&'.repeat(Math.min(3500, most / 4))}` }),
  headers: (d, most) => ({
    path: '/tokens',
    body: '{"text":"a"}',
    headers: {
      ...Object.fromEntries(Array.from({ length: Math.min(200, most / 20) }, (_, i) => [`x-a-${i}`, 'v'])),
      authorization: `Bearer ${' '.repeat(d.size(2000))}a`,
      accept: 'a/b;q=0.1, '.repeat(d.below(300)),
      cookie: 'a=b; '.repeat(d.below(300)),
      origin: `http://${'a.'.repeat(d.below(500))}b`,
    },
  }),
};

/** @param most about how many characters of a body; a few in a hundred have more, up to the largest that is taken */
export function* attacks(seed: number, count: number, most = 300_000): Generator<Attack> {
  const d = new Dice(seed);
  const kinds = [...Object.keys(bodies), ...Object.keys(raw), ...Object.keys(fields)];
  for (let i = 0; i < count; i++) {
    const kind = i < kinds.length ? kinds[i] : d.pick(kinds);
    const limit = d.below(50) === 0 ? most * 20 : d.size(most);
    if (kind in raw) yield { shape: kind, ...raw[kind](d, limit) };
    else yield { shape: kind, ...jsonAttack(d, kind, limit) };
  }
}

/** A body of the kind, or one with the field of that name, and now and then another field. */
function jsonAttack(d: Dice, kind: string, most: number): { path: string; body: string } {
  const [path, body] = bodies[kind in bodies ? kind : d.pick(['prompt', 'chat'])](d, kind in bodies ? most : 10);
  const first = kind in fields ? fields[kind](d, most) : {};
  const second = d.below(4) === 0 ? fields[d.pick(Object.keys(fields))](d, Math.min(most, 20_000)) : {};
  const stream = d.below(4) === 0 ? { stream: true } : {};
  return { path, body: JSON.stringify({ ...body, ...second, ...first, ...stream }) };
}
