import t from 'tap';
import { stopStrings } from '../../src/llm/params.ts';

t.test('stop strings: one, several or none; an empty one is refused', async (t) => {
  t.same(stopStrings({}), []);
  t.same(stopStrings({ stop: 'END' }), ['END']);
  t.same(stopStrings({ stop: ['a', 'b'] }), ['a', 'b']);
  for (const stop of ['', ['a', '']]) t.throws(() => stopStrings({ stop }), { code: 'invalid_value', param: 'stop' });
});
