// How much of a text's end may still become a stop string.
import t from 'tap';
import { heldBackLength } from '../../src/text/stop-strings.ts';
import { random } from '../helpers/random.ts';

t.test('the longest end that begins a stop string, for all short ones', async (t) => {
  const next = random(1);
  const word = (longest: number): string =>
    Array.from({ length: 1 + Math.floor(next() * longest) }, () => 'ab'[Math.floor(next() * 2)]).join('');
  const wrong = Array.from({ length: 3000 }, () => ({ text: word(12), stops: [word(9), word(9)] })).filter((given) => {
    const { text, stops } = given;
    const ends = [...text].map((_, i) => text.slice(i));
    const held = ends.find((end) => stops.some((stop) => stop.length > end.length && stop.startsWith(end))) ?? '';
    return heldBackLength(text, stops) !== held.length;
  });
  t.same(wrong, []);
  t.equal(heldBackLength('', ['ab']), 0);
  t.equal(heldBackLength('ab', []), 0);
  t.equal(heldBackLength('ab', ['b', 'c']), 0, 'a whole one is no beginning');
});

t.test('a long text that all but becomes a long stop string is looked at in time', async (t) => {
  // Length by length, a quarter of this took 16 s.
  const long = 'a'.repeat(2 ** 18);
  t.equal(heldBackLength(`${long}ca`, [`${long}${long}b`]), 1);
  t.equal(heldBackLength(`c${long}`, [`${long}${long}b`]), long.length);
  t.equal(heldBackLength(`${long}c${long}`, [`${long}${long}b`]), long.length);
});
