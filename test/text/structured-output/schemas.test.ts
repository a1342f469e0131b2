import fc from 'fast-check';
import t from 'tap';
import { z } from 'zod';
import { jsonDialect } from '../../../src/text/structured-output/dialect.ts';
import { Grammar } from '../../../src/text/structured-output/ebnf.ts';
import { completionConstraint } from '../../../src/text/structured-output/output-constraint.ts';
import { SchemaGrammar } from '../../../src/text/structured-output/schema-grammar.ts';
import { GrammarWalker } from '../../helpers/walk-grammar.ts';

function ebnf(schema: unknown): string {
  const grammar = new Grammar();
  return grammar.text(new SchemaGrammar(grammar, jsonDialect, schema).value(schema));
}

const walker = await GrammarWalker.create(11);
const walk = (text: string) => walker.text({ kind: 'grammar', text, param: null });

/** Characters beyond U+FFFF as one of U+0000…FFFF: zod counts UTF-16 units where JSON Schema counts characters. */
function inOneUnit(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/[\u{10000}-\u{10ffff}]/gu, '☺'));
}

/** Walks the grammar; each finished text has to be valid JSON of the schema. @returns how many finished */
async function check(schema: unknown, texts: number, validate?: (value: unknown) => boolean): Promise<number> {
  const grammar = ebnf(schema);
  const checker = validate === undefined ? z.fromJSONSchema(schema as never) : null;
  let finished = 0;
  for (let i = 0; i < texts; i++) {
    const text = await walk(grammar);
    if (text === null) continue;
    finished++;
    const value: unknown = JSON.parse(text);
    const isValid = validate?.(value) ?? checker?.safeParse(inOneUnit(value)).success;
    if (isValid !== true) throw new Error(`${text} is not valid for ${JSON.stringify(schema)}`);
  }
  return finished;
}

const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
};
const cases: readonly unknown[] = [
  true,
  { type: 'object' },
  { type: 'array' },
  ...[
    [-2.5, 7.25],
    [0, 1],
    [0.25, 0.75],
    [-0.5, 0.125],
    [3, 3.5],
    [99.9, 1000],
  ].map(([minimum, maximum]) => ({ type: 'number', minimum, maximum })),
  ...[
    [0.25, 0.75],
    [3, 4],
    [-1, 0],
    [0, 0.01],
  ].map(([a, b]) => ({ type: 'number', exclusiveMinimum: a, exclusiveMaximum: b })),
  { type: 'number', exclusiveMinimum: 0 },
  { type: 'number', maximum: -0.5 },
  ...[
    [-5, 120],
    [998, 12345],
    [0, 0],
    [-20, -7],
  ].map(([minimum, maximum]) => ({ type: 'integer', minimum, maximum })),
  { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10 },
  { type: 'integer', multipleOf: 5, minimum: 0, maximum: 100 },
  { type: 'integer', multipleOf: 7 },
  { type: 'number', multipleOf: 12, minimum: -5000, maximum: 10_000_000 },
  { type: 'integer', multipleOf: 300, exclusiveMinimum: -600, exclusiveMaximum: 600 },
  { type: 'integer', multipleOf: 5e11, minimum: 999e12, maximum: 1e18 },
  { type: 'array', items: { enum: ['red', 'reddish', 'r', 4] }, uniqueItems: true },
  {
    type: 'array',
    items: { $ref: '#/$defs/color' },
    uniqueItems: true,
    minItems: 2,
    maxItems: 3,
    $defs: { color: { enum: ['a', 'b', 'c', 'd'] } },
  },
  { type: 'array', items: { type: 'boolean' }, uniqueItems: true, minItems: 1 },
  {
    allOf: [{ type: 'array', items: { $ref: '#/$defs/odd' }, maxItems: 2 }, { $ref: '#' }].slice(0, 1),
    $defs: { odd: { enum: [1, 3] } },
  },
  { type: 'string', minLength: 2, maxLength: 5 },
  { type: 'string', pattern: 'a|b+', minLength: 3, maxLength: 6 },
  { type: 'string', pattern: '^x*(yz)?$', minLength: 2 },
  { type: 'string', minLength: 3 },
  ...[
    '^[a-z]{2,4}$',
    '[0-9A-Z]',
    '^.{2,3}$',
    '^[^a]+$',
    '^[a-m]|[n-z]$',
    '^"\\\\$',
    '^\\d{3}-\\w+\\s?$',
    '^(foo|ba[rz])+$',
    '^(?<year>\\d{4})-x$',
    '^.{0,2}\\bcat\\b.{0,2}$',
    '^\\w+\\b.\\B.$',
    '^x?(^a|b$)$',
    '^\\p{Lu}\\p{Ll}{1,3}$',
    '^\\P{L}[\\p{N}_]$',
    '^[\\w.-]+@x$',
  ].map((pattern) => ({ type: 'string', pattern })),
  ...['date', 'time', 'date-time', 'uuid', 'ipv4', 'email', 'uri', 'hostname', 'duration'].map((format) => ({
    type: 'string',
    format,
  })),
  {
    $defs: {
      n: {
        type: 'object',
        properties: { v: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/n' }, { type: 'null' }] } },
        required: ['v', 'next'],
      },
    },
    $ref: '#/$defs/n',
  },
  { ...person, additionalProperties: { type: 'integer' } },
  { type: 'object', additionalProperties: { type: 'boolean' }, minProperties: 1, maxProperties: 3 },
  { type: 'object', patternProperties: { '^k[0-9]+$': { type: 'integer' } }, additionalProperties: false },
  { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
  { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 4 },
  { type: 'array', items: person, minItems: 3 },
  { enum: ['a"b', 1, null, 'é\n'] },
  { type: ['string', 'null'] },
  { allOf: [{ type: 'integer' }, { minimum: 3 }, { maximum: 8 }] },
  { anyOf: [person, { type: 'integer', minimum: 5 }] },
  {
    oneOf: [
      { type: 'object', properties: { t: { const: 'a' }, x: { type: 'integer' } }, required: ['t', 'x'] },
      { type: 'object', properties: { t: { const: 'b' } }, required: ['t'] },
    ],
  },
  {
    type: 'object',
    properties: { 'a"b\\': { type: 'integer' }, 'é\n': { type: 'boolean' } },
    required: ['a"b\\', 'é\n'],
  },
];

t.test('whatever a schema’s grammar says is valid', async (t) => {
  for (const schema of cases) {
    // JSON Schema's patterns are Unicode ones; zod's count an emoji as two characters.
    const pattern =
      typeof schema === 'object' && schema !== null && 'pattern' in schema ? String(schema.pattern) : null;
    const matches = pattern === null ? undefined : (value: unknown) => new RegExp(pattern, 'u').test(String(value));
    t.ok((await check(schema, 10, matches)) > 0, JSON.stringify(schema));
  }
  const isConst = (value: unknown) => JSON.stringify(value) === '{"k":["v"]}';
  t.ok((await check({ const: { k: ['v'] } }, 2, isConst)) > 0, 'a constant object');
});

t.test('characters beyond ASCII, in and out of classes', async (t) => {
  // Every byte is a token, so that what is no UTF-8 could come if the grammar let it.
  const pattern = '^[à-ÿα-ω一-龥😀-😎]{2}[^\\d]$';
  const grammar = ebnf({ type: 'string', pattern });
  for (let i = 0; i < 40; i++) {
    const text = await walk(grammar);
    t.match(JSON.parse(text ?? '""'), new RegExp(pattern, 'u'));
    t.notMatch(text, /\ufffd/, 'no bytes that are no UTF-8');
  }
});

const leaf: fc.Arbitrary<object> = fc.oneof(
  fc.constant({ type: 'string' }),
  fc.constant({ type: 'boolean' }),
  fc.constant({ type: 'null' }),
  fc
    .record({ min: fc.integer({ min: -300, max: 300 }), size: fc.nat(500) })
    .map(({ min, size }) => ({ type: 'integer', minimum: min, maximum: min + size })),
  fc
    .record({ min: fc.integer({ min: -300, max: 300 }), size: fc.integer({ min: 1, max: 900 }) })
    .map(({ min, size }) => ({ type: 'number', minimum: min / 8, maximum: (min + size) / 8 })),
  fc
    .uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })
    .map((values) => ({ type: 'string', enum: values })),
  fc.constantFrom('^[A-Z][a-z]{0,5}$', '^\\d+$', 'x{2,3}').map((pattern) => ({ type: 'string', pattern })),
  fc
    .record({ min: fc.nat(3), more: fc.nat(8) })
    .map(({ min, more }) => ({ type: 'string', minLength: min, maxLength: min + more })),
  fc.constant({ $ref: '#/$defs/shared' }),
);
const { schema: anySchema } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    leaf,
    fc
      .record({ items: tie('schema'), min: fc.nat(2), more: fc.nat(3) })
      .map(({ items, min, more }) => ({ type: 'array', items, minItems: min, maxItems: min + more })),
    fc
      .record({
        properties: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('schema'), { minKeys: 1, maxKeys: 4 }),
        every: fc.nat(2),
      })
      .map(({ properties, every }) => ({
        type: 'object',
        properties: { ...properties },
        required: Object.keys(properties).filter((_, i) => i % (every + 1) === 0),
        additionalProperties: false,
      })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  ),
}));

t.test('alternatives that begin alike', async (t) => {
  // Words of three letters, as values and as keys: the smallest texts in which one alternative may run into another.
  const word = fc.stringMatching(/^[qab]{1,4}$/);
  const listed = fc.uniqueArray(word, { minLength: 2, maxLength: 5 }).map((values) => ({ enum: values }));
  const optional = fc.dictionary(word, fc.oneof(listed, fc.constant({ type: 'boolean' })), { minKeys: 2, maxKeys: 4 });
  const object = optional.map((properties) => ({
    type: 'object',
    properties: { ...properties },
    additionalProperties: false,
  }));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        listed,
        object,
        fc.array(object, { minLength: 2, maxLength: 3 }).map((anyOf) => ({ anyOf })),
      ),
      async (schema) => {
        await check(schema, 8);
      },
    ),
    { numRuns: Number(process.env.SCHEMA_RUNS ?? 60) },
  );
  t.pass();
});

t.test('random schemas', async (t) => {
  let finished = 0;
  const numRuns = Number(process.env.SCHEMA_RUNS ?? 60);
  await fc.assert(
    fc.asyncProperty(anySchema, async (schema) => {
      finished += await check(
        {
          ...schema,
          $defs: { shared: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 9 }, maxItems: 2 } },
        },
        2,
      );
    }),
    { numRuns },
  );
  t.ok(finished > numRuns, `${finished} texts of ${numRuns} schemas`);
});

t.test('what a grammar cannot promise is refused with its place', (t) => {
  const refused: [unknown, RegExp][] = [
    [{ type: 'hiccup' }, /#\/type is "hiccup"/],
    [123, /must be an object or a boolean/],
    [false, /allows nothing/],
    [{ properties: { a: { not: {} } } }, /#\/properties\/a\/not/],
    [{ type: 'array', uniqueItems: true }, /uniqueItems/],
    [{ type: 'array', items: { enum: [1, 2] }, uniqueItems: true, minItems: 3 }, /fewer different items/],
    [{ type: 'integer', multipleOf: 1001 }, /multipleOf/],
    [{ type: 'string', pattern: '(?m)a' }, /the flag m/],
    [{ type: 'string', pattern: '\\p{Odd}' }, /invalid property name/],
    [{ type: 'string', pattern: '(?P=x)' }, /invalid group/],
    [{ type: 'number', multipleOf: 0.1 }, /multipleOf/],
    [{ type: 'integer', minimum: 5, maximum: 2 }, /no number/],
    [{ type: 'string', pattern: '(?=a)b' }, /lookahead/],
    [{ type: 'string', pattern: 'a', maxLength: 3000 }, /more than 1000 states/],
    [{ type: 'string', pattern: '^a', format: 'date' }, /no text at all/],
    [{ type: 'integer', minimum: 1e300 }, /no number/],
    [{ type: 'number', maximum: -1e300 }, /no number/],
    // Where 2 added to a bound is that bound.
    [{ type: 'integer', minimum: 1e17, maximum: 1e17 + 1600, multipleOf: 2 }, /no number/],
    [JSON.parse('{ "type": "integer", "minimum": 1e999, "maximum": 1e999, "multipleOf": 2 }'), /no number/],
    [{ type: 'number', maximum: -1e17, minimum: -1e17 - 1600, multipleOf: 300 }, /no number/],
    [{ $ref: '#/%' }, /#\/\$ref URI malformed/],
    [{ type: 'string', pattern: '(a' }, /unterminated group/],
    [{ type: 'string', pattern: '(a)\\1' }, /a back reference/],
    [{ type: 'string', pattern: 'x(?<!a)b' }, /lookbehind/],
    [{ type: 'string', pattern: 'a{1001}' }, /more than 1000 repetitions/],
    [{ type: 'string', pattern: '[b-a]' }, /range out of order/],
    [{ type: 'string', pattern: '[]' }, /an empty class/],
    [{ type: 'string', pattern: '\\ud83d' }, /half of a surrogate pair/],
    [{ type: 'string', pattern: '(?-m:a)' }, /the flag m/],
    [{ type: 'string', pattern: `${'('.repeat(501)}a${')'.repeat(501)}` }, /more than 500 groups in each other/],
    [{ type: 'string', pattern: 'a|'.repeat(150_000) }, /more than 200000 characters/],
    [{ $ref: '#/$defs/none' }, /not there/],
    [{ $ref: 'http://x/y' }, /into the schema itself/],
    [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, /use anyOf/],
    [{ $ref: '#', title: 'x', minimum: 1 }, /without end/],
  ];
  for (const [schema, message] of refused)
    t.throws(() => ebnf(schema), { code: 'invalid_value', message }, JSON.stringify(schema));
  t.end();
});

t.test('Python’s spelling of expressions', async (t) => {
  const cases: [string, RegExp][] = [
    ['(?P<year>[0-9]{2})-(?P<month>[01])', /^[0-9]{2}-[01]$/],
    ['(?i)ab[c-d]é', /^ab[c-d]é$/i],
    ['a(?i:b)c', /^a[bB]c$/],
    ['(?i)[^a]', /^[^aA]$/u],
    ['\\Ax{2}\\Z', /^x{2}$/],
    ['(?i)a(?-i:b)(?P<n>c)(?P<n>d)', /^[aA]b[cC][dD]$/],
    ['[\\w-.]{2}\\-\\_\\ ', /^[\w.-]{2}-_ $/],
    ['{a}]\\"x{,2}', /^\{a\}\]"x\{,2\}$/],
    ['(?a)[[\\]{}]😀?\\u{1f600}', /^[[\]{}]😀{1,2}$/u],
    [`${'(?:'.repeat(500)}a${')'.repeat(500)}`, /^a$/],
  ];
  for (const [pattern, wanted] of cases) {
    for (let i = 0; i < 12; i++) t.match(await walker.text(completionConstraint({ guided_regex: pattern })!), wanted);
  }
});

t.test('tags that tell the schemas of oneOf apart', async (t) => {
  const branch = (kind: string, more: object = {}) => ({
    type: 'object',
    properties: { kind: { const: kind, default: kind }, ...more },
  });
  const schema = {
    oneOf: [{ $ref: '#/$defs/cat' }, branch('dog', { kind: { enum: ['dog', 'wolf'] } }), { type: 'null' }],
    discriminator: { propertyName: 'kind' },
    $defs: { cat: branch('cat', { next: { $ref: '#' } }) },
  };
  const kinds = (value: { kind?: string } | null) =>
    value === null || ['cat', 'dog', 'wolf'].includes(value.kind ?? '');
  t.ok((await check(schema, 20, (value) => kinds(value as null))) > 5, 'the tag is always written');
});

t.test('request fields', async (t) => {
  t.equal(completionConstraint({}), null);
  t.equal(completionConstraint({ response_format: { type: 'text' } }), null);
  const text = async (fields: Parameters<typeof completionConstraint>[0]) => {
    const spec = completionConstraint(fields);
    return spec === null ? null : walker.text(spec);
  };
  t.match(await text({ guided_choice: ['yes', 'no "way"'] }), /^(yes|no "way")$/);
  t.match(await text({ guided_regex: '[0-9]{3}-[a-f]{2}|x' }), /^([0-9]{3}-[a-f]{2}|x)$/);
  t.match(await text({ guided_grammar: 'root ::= "a" | "b"' }), /^[ab]$/);
  t.match(await text({ guided_json: '{"enum":[1,2]}' }), /^[12]$/);
  t.match(await text({ structured_outputs: { choice: ['c'] } }), /^c$/);
  t.match(
    await text({ response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { enum: [7] } } } }),
    /^7$/,
  );
  t.match(
    completionConstraint({ structural_tag: '{"type":"json_schema","json_schema":{"type":"boolean"}}' })?.text,
    /"type":"grammar"/,
  );
  t.throws(() => completionConstraint({ guided_json: '{' }), {
    message: /guided_json: is not JSON/,
    param: 'guided_json',
  });
  t.throws(() => completionConstraint({ guided_regex: 'a', guided_choice: ['b'] }), {
    message: /guided_choice: cannot be used together with guided_regex/,
  });
});
