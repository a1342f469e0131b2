import t from 'tap';
import { parameterTypes } from '../../../src/text/tool-calls/schema-types.ts';

t.test('a schema that refers to itself many times is looked at once', (t) => {
  let reads = 0;
  const self = { $ref: '#/$defs/A' };
  const A = {
    get anyOf() {
      reads++;
      return [
        { type: 'string' },
        { type: 'integer' },
        self,
        { allOf: [self] },
        { $ref: '#/$defs/A' },
        { oneOf: [self] },
      ];
    },
  };
  const types = parameterTypes({ properties: { a: { $ref: '#/$defs/A' } }, $defs: { A } }, 'a');
  t.strictSame([...types].sort(), ['integer', 'string']);
  t.ok(reads <= 2, `${reads} reads of one anyOf`);
  t.end();
});

t.test('however deep a type stands', (t) => {
  let schema: object = { type: 'boolean' };
  for (let i = 0; i < 20_000; i++) schema = { anyOf: [schema] };
  t.strictSame([...parameterTypes({ properties: { a: schema } }, 'a')], ['boolean']);
  t.end();
});

t.test('a parameter that stands behind the top of the schema', (t) => {
  const types = (parameters: object, name = 'a') => [...parameterTypes(parameters as never, name)].sort();
  const a = { properties: { a: { type: 'integer' } } };
  t.strictSame(types({ $ref: '#/$defs/x%20y~1', $defs: { 'x y/': a } }), ['integer']);
  t.strictSame(types({ anyOf: [a, { properties: { a: { type: 'string' } } }] }), ['integer', 'string']);
  t.strictSame(types({ properties: { a: { $ref: '#/anyOf/0/properties/a' } }, anyOf: [a] }), ['integer']);
  t.strictSame(types({ ...a, additionalProperties: { type: 'array' } }), ['integer']);
  t.strictSame(types({ ...a, additionalProperties: { type: 'array' } }, 'b'), ['array']);
  t.strictSame(types({ ...a, additionalProperties: false }, 'b'), []);
  t.strictSame(types({ properties: { a: { pattern: 'x' } } }), ['string']);
  t.strictSame(types({ properties: { a: { anyOf: [{ type: 'integer' }], format: 'int64' } } }), ['integer']);
  t.end();
});
