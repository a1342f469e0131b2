import t from 'tap';
import { table } from '../../src/commands/table.ts';

t.test('columns are as wide as their widest cell', async (t) => {
  t.equal(table([['a', 1, 'x'], ['long', 12], ['b']]), 'a     1   x\nlong  12\nb');
  t.equal(table([]), '');
});

t.test('a model may have hundreds of thousands of tensors', async (t) => {
  const rows = Array.from({ length: 300_000 }, (_, i) => [`experts.${i}`, 'F16']);
  t.ok(table(rows).endsWith('\nexperts.299999  F16'));
});
