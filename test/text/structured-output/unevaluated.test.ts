// `unevaluatedProperties` and `unevaluatedItems`: enforced as false, and kept where others are declared; else refused by name.
import t from 'tap';
import { completionConstraint } from '../../../src/text/structured-output/output-constraint.ts';
import { independentValidator } from '../../helpers/random-schemas.ts';
import { GrammarWalker } from '../../helpers/walk-grammar.ts';

const walker = await GrammarWalker.create(7);
const spec = (schema: unknown) => completionConstraint({ guided_json: schema as never })!;
const a = { properties: { a: { type: 'integer' } }, required: ['a'] };
const b = { properties: { b: { type: 'integer' } }, required: ['b'] };

t.test('false: what the schema, its $ref, allOf and anyOf declare, and nothing else', async (t) => {
  const closed = { type: 'object', unevaluatedProperties: false };
  const tuple = { type: 'array', prefixItems: [{ type: 'integer' }] };
  const cases: [object, unknown[], unknown[]][] = [
    [closed, [{}], [{ a: 1 }]],
    [{ ...closed, ...a }, [{ a: 1 }], [{ a: 1, b: 2 }]],
    [{ ...closed, ...a, allOf: [b] }, [{ a: 1, b: 2 }], [{ a: 1 }, { a: 1, b: 2, c: 3 }]],
    [{ ...closed, ...a, $ref: '#/$defs/b', $defs: { b } }, [{ a: 1, b: 2 }], [{ a: 1, b: 2, c: 3 }]],
    [{ ...closed, ...a, anyOf: [b, {}] }, [{ a: 1 }, { a: 1, b: 2 }], [{ b: 2 }, { a: 1, c: 3 }]],
    [{ allOf: [{ ...closed, ...a }, { title: 'A' }] }, [{ a: 1 }], [{ a: 1, b: 2 }]],
    [
      {
        anyOf: [
          { ...closed, ...a },
          { ...closed, ...b },
        ],
      },
      [{ a: 1 }, { b: 2 }],
      [{ a: 1, c: 3 }, {}],
    ],
    [{ oneOf: [{ const: 1 }, closed] }, [{}, 1], [{ a: 1 }]],
    [{ ...closed, additionalProperties: { type: 'integer' } }, [{ a: 1 }], [{ a: 'x' }]],
    [{ ...closed, patternProperties: { '^k$': { type: 'integer' } } }, [{ k: 1 }, {}], [{ a: 1 }]],
    [{ ...tuple, unevaluatedItems: false }, [[1]], [[1, 2]]],
    [{ allOf: [tuple], unevaluatedItems: false }, [[1]], [[1, 2]]],
    [{ ...tuple, items: { type: 'null' }, unevaluatedItems: false }, [[1], [1, null]], [[1, 2]]],
    [{ type: 'array', unevaluatedItems: false }, [[]], [[1]]],
    [{ type: 'array', unevaluatedItems: true }, [[], [1]], [{}]],
  ];
  for (const [schema, inside, outside] of cases) {
    const problem = independentValidator(schema);
    for (const value of inside) {
      t.equal(problem(value), null);
      t.ok(await walker.accepts(spec(schema), JSON.stringify(value)), JSON.stringify([schema, value]));
    }
    for (const value of outside) {
      t.not(problem(value), null);
      t.notOk(await walker.accepts(spec(schema), JSON.stringify(value)), JSON.stringify([schema, value]));
    }
  }
});

t.test('any other schema: as true, as false, or kept by what is declared', async (t) => {
  const integer = { type: 'integer' };
  const nothing = { title: 'Nothing', not: {} };
  const cases: [object, unknown[], unknown[]][] = [
    [{ ...a, unevaluatedProperties: {} }, [{ a: 1 }], [{ a: 'x' }]],
    [{ ...a, unevaluatedProperties: { type: 'string' } }, [{ a: 1 }], [{ a: 1, b: 2 }]],
    [{ ...a, unevaluatedProperties: nothing }, [{ a: 1 }], [{ a: 1, b: 2 }]],
    [{ ...a, allOf: [b], unevaluatedProperties: { type: 'string' } }, [{ a: 1, b: 2 }], [{ a: 1, b: 2, c: 3 }]],
    [{ title: 'A', allOf: [{ ...a, unevaluatedProperties: { type: 'string' } }] }, [{ a: 1 }], [{ a: 1, b: 2 }]],
    [{ oneOf: [{ ...a, unevaluatedProperties: { type: 'string' } }] }, [{ a: 1 }], [{ a: 1, b: 2 }]],
    [{ type: 'object', unevaluatedProperties: { description: 'Others.' } }, [{}, { a: 1 }], [1]],
    [{ type: 'object', unevaluatedProperties: nothing }, [{}], [{ a: 1 }]],
    [{ patternProperties: { '^k$': integer }, unevaluatedProperties: { type: 'string' } }, [{ k: 1 }], [{ a: 1 }]],
    [{ type: 'array', unevaluatedItems: {} }, [[], [1]], [{}]],
    [{ type: 'array', unevaluatedItems: { not: true } }, [[]], [[1]]],
    [{ type: 'array', prefixItems: [integer], unevaluatedItems: { type: 'string' } }, [[1]], [[1, 2]]],
  ];
  for (const [part, inside, outside] of cases) {
    const schema = { type: 'object', ...part };
    const problem = independentValidator(schema);
    for (const value of inside) {
      t.equal(problem(value), null, JSON.stringify([schema, value]));
      t.ok(await walker.accepts(spec(schema), JSON.stringify(value)), JSON.stringify([schema, value]));
    }
    for (const value of outside) {
      t.not(problem(value), null, JSON.stringify([schema, value]));
      t.notOk(await walker.accepts(spec(schema), JSON.stringify(value)), JSON.stringify([schema, value]));
    }
  }
});

t.test('what cannot be enforced by name', (t) => {
  const refused: [object, RegExp][] = [
    [
      { type: 'object', unevaluatedProperties: a },
      /#\/unevaluatedProperties is enforced only as false: use additionalP/,
    ],
    [{ items: { unevaluatedItems: b } }, /#\/items\/unevaluatedItems is enforced only as false: use it/],
    [{ properties: {}, unevaluatedProperties: { not: { type: 'null' } } }, /is enforced only as false/],
    // What the others declare would have to be a string.
    [{ allOf: [{ ...a, unevaluatedProperties: { type: 'string' } }, b] }, /is enforced only as false/],
    [{ ...b, allOf: [{ allOf: [{ ...a, unevaluatedProperties: { type: 'string' } }] }] }, /is enforced only as false/],
    [{ ...b, anyOf: [{ ...a, unevaluatedProperties: { type: 'string' } }] }, /is enforced only as false/],
    [{ ...a, unevaluatedProperties: 'no' }, /#\/unevaluatedProperties must be an object or a boolean/],
    [{ properties: { a: { $recursiveRef: '#' } } }, /#\/properties\/a\/\$recursiveRef is a condition/],
    [
      { const: { a: 1 }, unevaluatedProperties: false },
      /#\/unevaluatedProperties is not checked beside a listed object/,
    ],
  ];
  for (const [schema, message] of refused)
    t.throws(() => spec(schema), { code: 'invalid_value', message }, JSON.stringify(schema));
  t.end();
});
