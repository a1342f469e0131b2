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
