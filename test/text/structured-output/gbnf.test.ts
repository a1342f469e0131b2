// GBNF's names lose their dashes, stay different all the same, and may be many.
import t from 'tap';
import { gbnfToEbnf } from '../../../src/text/structured-output/gbnf.ts';

/** The names that `names` become. */
const written = (names: readonly string[]) =>
  gbnfToEbnf(`root ::= ${names.join(' ')}`)
    .trim()
    .split(' ')
    .slice(2);

t.test('different names stay different', async (t) => {
  const names = ['a', 'a-b', 'a_b', 'a-b', 'a_b_2', 'a_b-2', '0', '_0', 'x--', 'x-_', 'x_-'];
  const found = written(names);
  t.equal(new Set(found).size, new Set(names).size, found.join(' '));
  t.equal(found[3], found[1], 'the same one stays the same');
  for (const name of found) t.match(name, /^[a-z_]\w*$/);
});

t.test('in linear time', async (t) => {
  const alike = Array.from({ length: 20_000 }, (_, i) =>
    `x${i.toString(2).padStart(15, '0')}`.replaceAll('0', '-').replaceAll('1', '_'),
  );
  const before = process.cpuUsage();
  t.equal(new Set(written(alike)).size, alike.length);
  t.equal(new Set(written(Array.from({ length: 50_000 }, (_, i) => `n${i}`))).size, 50_000);
  // A fraction of a second; 2,000 that are alike took 3 s, and by the cube more for more.
  t.ok(process.cpuUsage(before).user < 10e6);
});
