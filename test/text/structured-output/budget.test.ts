// Small requests that stand for large grammars: they are made quickly or refused, and the same one always in the same way.
import t from 'tap';
import { EngineError } from '../../../src/errors.ts';
import { Grammar } from '../../../src/text/structured-output/ebnf.ts';
import { outputConstraint } from '../../../src/text/structured-output/output-constraint.ts';
import type { StructuredOutputFields } from '../../../src/text/structured-output/types.ts';
import { mostCostly } from '../../helpers/hostile-requests.ts';

/** Steps that the compiler took, or its refusal. Long CPU time is what the budget is to prevent, on any machine. */
function cost(fields: StructuredOutputFields): { steps: number; refusal: EngineError | null; cpu: number } {
  const grammar = new Grammar();
  const before = process.cpuUsage();
  let refusal: EngineError | null = null;
  try {
    outputConstraint(grammar, fields);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    refusal = error;
  }
  const { user, system } = process.cpuUsage(before);
  return { steps: grammar.budget.spent.steps, refusal, cpu: (user + system) / 1e6 };
}

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });

t.test('expressions that need too much say what', (t) => {
  const cases: [string, RegExp][] = [
    ['(a{0,190}){0,100}', /^guided_regex: needs more than \d+ steps/],
    ['(a{0,60}){0,60}', /^guided_regex: needs more than \d+ steps/],
    ['((a{0,1000}){0,1000}){0,1000}', /steps/],
    ['(((((((((a?){9}){9}){9}){9}){9}){9}){9}){9}){9}', /steps/],
    ['a{1000}'.repeat(100), /^guided_regex: needs more than \d+ states/],
    ['(a|b)*a(a|b){20}', /states|steps/],
  ];
  for (const [pattern, message] of cases) {
    const { refusal, cpu } = cost({ guided_regex: pattern });
    t.match(refusal, { code: 'invalid_value', param: 'guided_regex', message }, pattern);
    t.ok(cpu < 30, `${pattern}: ${cpu} s of CPU`);
  }
  t.end();
});

t.test('what only looks large is made', (t) => {
  const levels = (n: number, key: string, more: object = {}) => ({
    $defs: Object.fromEntries(
      times(n, (i) => {
        const next = { $ref: `#/$defs/d${i + 1}` };
        return [`d${i}`, i === n - 1 ? object({ x: { type: 'string' } }) : { ...more, [key]: [next, next] }];
      }),
    ),
    $ref: '#/$defs/d0',
  });
  const hundredPatterns = times(100, (i): [string, object] => [
    `k${i}`,
    { type: 'string', pattern: '^(a|b)*a(a|b){10}$' },
  ]);
  const cases: Record<string, StructuredOutputFields> = {
    '3,000 alternatives in a loop': {
      guided_regex: `(${times(3000, (i) => String.fromCharCode(0x4e00 + i)).join('|')})*`,
    },
    'allOf of the same twice, 60 levels': { guided_json: levels(60, 'allOf') },
    'anyOf of the same twice, 60 levels': { guided_json: levels(60, 'anyOf') },
    'anyOf beside a type, 60 levels': { guided_json: levels(60, 'anyOf', { type: 'object' }) },
    '5,000 properties': {
      guided_json: object(Object.fromEntries(times(5000, (i) => [`property_${i}`, { type: 'string' }])), {
        additionalProperties: true,
      }),
    },
    '5,000 required properties': {
      guided_json: object(Object.fromEntries(times(5000, (i) => [`p${i}`, {}])), {
        required: times(5000, (i) => `p${i}`),
      }),
    },
    'an enum of 5,000': { guided_json: { enum: times(5000, (i) => `value ${i * 7919}`) } },
    'oneOf of 3,000 tagged objects': { guided_json: { oneOf: times(3000, (i) => object({ t: { const: `k${i}` } })) } },
    'oneOf of 3,000 constants': { guided_json: { oneOf: times(3000, (i) => ({ const: i })) } },
    'one pattern a hundred times': { guided_json: object(Object.fromEntries(hundredPatterns)) },
    'itself through a merge': {
      guided_json: {
        $defs: { n: object({ a: { allOf: [{ $ref: '#/$defs/n' }, { properties: { b: { minLength: 1 } } }] } }) },
        $ref: '#/$defs/n',
      },
    },
  };
  for (const [name, fields] of Object.entries(cases)) {
    const { refusal, steps } = cost(fields);
    t.equal(refusal, null, name);
    t.ok(steps < 2_000_000, `${name}: ${steps} steps`);
  }
  t.end();
});

t.test('schemas that are too large, or no schemas', (t) => {
  const cases: [object, RegExp][] = [
    [{ enum: times(90_000, (i) => `value ${i * 7919}`) }, /steps/],
    [{ type: 'string', minLength: 1e9 }, /characters/],
    [{ oneOf: times(3000, (i) => object({ [`k${i}`]: {} })) }, /both hold/],
    [{ $ref: '#/%' }, /URI malformed/],
    [{ allOf: [{ $ref: '#' }, {}] }, /without end/],
  ];
  for (const [schema, message] of cases) t.match(cost({ guided_json: schema as never }).refusal, { message });
  t.end();
});

t.test('a search for costly requests finds none above the budget', (t) => {
  const runs = Number(process.env.HOSTILE_RUNS ?? 300);
  const seed = Math.floor(Math.random() * 2 ** 31);
  const worst = mostCostly(seed, runs, (fields) => {
    const { steps, refusal, cpu } = cost(fields);
    if (refusal !== null && refusal.code !== 'invalid_value') throw refusal;
    t.ok(cpu < 30, `seed ${seed}: ${cpu} s for ${JSON.stringify(fields)}`);
    return steps;
  });
  t.ok(worst.steps > 10_000, `seed ${seed}: ${worst.steps} steps for ${JSON.stringify(worst.fields)}`);
  t.end();
});
