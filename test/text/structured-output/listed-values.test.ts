// `enum` and `const`: of what they list, what the keywords beside them allow, and no more.
import fc from 'fast-check';
import t from 'tap';
import { completionConstraint } from '../../../src/text/structured-output/output-constraint.ts';
import type { ConstraintSpec } from '../../../src/engine/grammar/constraint.ts';
import { independentValidator } from '../../helpers/random-schemas.ts';
import { GrammarWalker } from '../../helpers/walk-grammar.ts';

const walker = await GrammarWalker.create(5);
const spec = (schema: unknown): ConstraintSpec => completionConstraint({ guided_json: schema as never })!;

/** Those of `values` that the schema's grammar lets through. */
async function accepted(schema: unknown, values: readonly unknown[]): Promise<unknown[]> {
  const asked = spec(schema);
  const isIn = await Promise.all(values.map((value) => walker.accepts(asked, JSON.stringify(value))));
  return values.filter((_, i) => isIn[i]);
}

t.test('keywords beside a list of values', async (t) => {
  const numbers = [0, 0.3, 1, 2, 2.5, 3, 1e21];
  const words = ['', 'a', 'bbb', '😀', 'a1'];
  const cases: [object, readonly unknown[], readonly unknown[]][] = [
    [{ minimum: 2 }, numbers, [2, 2.5, 3, 1e21]],
    [{ exclusiveMinimum: 1, maximum: 3 }, numbers, [2, 2.5, 3]],
    [{ exclusiveMaximum: 1 }, numbers, [0, 0.3]],
    [{ multipleOf: 0.1, maximum: 1 }, numbers, [0, 0.3, 1]],
    [{ multipleOf: 2 }, numbers, [0, 2, 1e21]],
    [{ type: 'integer', multipleOf: 1 }, numbers, [0, 1, 2, 3, 1e21]],
    [{ minLength: 1, maxLength: 1 }, words, ['a', '😀']],
    [{ pattern: '^[a-z]+$' }, words, ['a', 'bbb']],
    [{ pattern: '\\d', type: ['string', 'null'] }, [...words, 1, null], ['a1', null]],
    [{ minimum: 2, maxLength: 1 }, [1, 2, 'a', 'bb', true], [2, 'a', true]],
    [{ const: 'a' }, words, ['a']],
    [{ minimum: 1, exclusiveMinimum: true, type: 'integer' }, numbers, [2, 3, 1e21]],
    [{ minimum: 1, exclusiveMinimum: false, maximum: 3, exclusiveMaximum: true }, numbers, [1, 2, 2.5]],
  ];
  for (const [beside, values, wanted] of cases)
    t.same(await accepted({ ...beside, enum: values }, values), wanted, JSON.stringify(beside));
});

t.test('patterns that only a backtracking matcher can do: short ones, of short values', async (t) => {
  const words = ['aa', 'ab', 'xa', 'Xa', 'a\nb'];
  const cases: [string, string[]][] = [
    ['^(?!x).*$', ['aa', 'ab', 'Xa']],
    ['(?i)^(?!x)', ['aa', 'ab', 'a\nb']],
    ['^(.)\\1$', ['aa']],
    ['(?P<first>a)(?=b)', ['ab']],
    ['(?<=a)\\Z', ['aa', 'xa', 'Xa']],
    ['(?m)(?<!.)b$', ['a\nb']],
  ];
  for (const [pattern, wanted] of cases) {
    const values = [...words, 1];
    t.same(await accepted({ enum: values, pattern }, values), [...wanted, 1], pattern);
  }
  for (const schema of [
    { enum: ['a', 'a'.repeat(301)], pattern: '^(?!x)' },
    { enum: ['a'], pattern: `^(?!${'x'.repeat(300)})` },
    // Exponential: it is stopped.
    { enum: [`${'a'.repeat(200)}b`], pattern: '^(?!x)(a+)+$' },
  ])
    t.throws(() => spec(schema), { code: 'invalid_value', message: /the schema at # the pattern .* has lookahead/ });
  t.throws(() => spec({ enum: ['xa'], pattern: '^(?!x)' }), { message: /lists no value that its other keywords/ });
});

t.test('a list beside keywords that only tell, or that say nothing of a known value', async (t) => {
  for (const beside of [
    { title: 'T', description: 'D', default: 'b', examples: [1], deprecated: true, $comment: 'C' },
    { readOnly: true, nullable: true, $schema: 'https://json-schema.org/draft/2020-12/schema', 'x-own': {} },
    { format: 'date', contentEncoding: 'base64' },
    { format: 'no-known-format' },
  ])
    for (const value of ['a', 1, [1], { a: 1 }])
      t.same(await accepted({ ...beside, enum: [value] }, [value]), [value], JSON.stringify([beside, value]));
});

t.test('where the list and the keyword come from different places', async (t) => {
  const $defs = { few: { enum: [1, 2, 3] } };
  for (const [schema, values, wanted] of [
    [{ $ref: '#/$defs/few', minimum: 2, $defs }, [1, 2, 3], [2, 3]],
    [{ allOf: [{ type: 'string', enum: ['a', 'bbb'] }, { maxLength: 1 }] }, ['a', 'bbb'], ['a']],
    [{ maximum: 4, anyOf: [{ enum: [1, 5] }, { const: 2 }] }, [1, 2, 5], [1, 2]],
    [{ const: 'a', minLength: 1, pattern: 'a' }, ['a', 'b'], ['a']],
    [
      { type: 'array', uniqueItems: true, items: { type: 'boolean', enum: [true] } },
      [[], [true], [false]],
      [[], [true]],
    ],
    [{ type: 'array', uniqueItems: true, items: { enum: [1, 2], maximum: 1 } }, [[1], [2]], [[1]]],
  ] as const)
    t.same(await accepted(schema, values), wanted, JSON.stringify(schema));
});

t.test('what is left of a list is what an independent validator allows', async (t) => {
  const value = fc.constantFrom<unknown>(-1, 0, 1, 2, 2.5, 7, 12, '', 'a', 'ab', 'é1', 'abcd', true, null);
  const keywords = fc.record(
    {
      type: fc.constantFrom('string', 'number', 'integer', ['string', 'null'], ['boolean', 'integer']),
      minimum: fc.integer({ min: -2, max: 8 }),
      exclusiveMaximum: fc.integer({ min: 0, max: 13 }),
      multipleOf: fc.constantFrom(1, 2, 0.5, 3),
      minLength: fc.nat(3),
      maxLength: fc.nat(4),
      pattern: fc.constantFrom('^a', 'b$', '\\d', '^$|é'),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(keywords, fc.uniqueArray(value, { minLength: 1, maxLength: 6 }), async (beside, values) => {
      const schema = { ...beside, enum: values };
      const problem = independentValidator(schema);
      const wanted = values.filter((one) => problem(one) === null);
      if (wanted.length > 0) t.same(await accepted(schema, values), wanted, JSON.stringify(schema));
      else t.throws(() => spec(schema), { message: /lists no value that its other keywords allow/ });
    }),
    { numRuns: 40 },
  );
});

t.test('what cannot be checked, and what leaves nothing', (t) => {
  const refused: [unknown, RegExp][] = [
    [{ enum: [1, 2], minimum: 3 }, /^guided_json: the schema at # lists no value that its other keywords allow/],
    [{ properties: { a: { const: 'x', maxLength: 0 } } }, /#\/properties\/a lists no value/],
    [{ enum: [] }, /lists no value/],
    [{ enum: [1], multipleOf: 0 }, /#\/multipleOf must be a number above 0/],
    [{ enum: [1], exclusiveMinimum: true }, /#\/exclusiveMinimum is a boolean, as in draft 4/],
    [{ enum: ['a'], exclusiveMaximum: false, minimum: 1 }, /#\/exclusiveMaximum is a boolean, as in draft 4/],
    [{ enum: ['a'], pattern: '(?x)a(?!b)' }, /has the flag x/],
    [{ enum: ['a'], pattern: '(' }, /unterminated group/],
    [{ enum: [{ a: 1 }, 3], required: ['b'] }, /#\/required is not checked beside a listed object: leave it out/],
    [{ const: [1], maxItems: 0 }, /#\/maxItems is not checked beside a listed array/],
  ];
  for (const [schema, message] of refused)
    t.throws(() => spec(schema), { code: 'invalid_value', message }, JSON.stringify(schema));
  t.doesNotThrow(() => spec({ enum: [{ a: 1 }, 3], type: ['object', 'integer'], minimum: 2 }));
  t.end();
});
