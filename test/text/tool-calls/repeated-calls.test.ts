// Calls that have to come end at the first one that repeats an earlier one word for word.
import t from 'tap';
import { RepeatedCalls } from '../../../src/text/tool-calls/repeated-calls.ts';
import type { ToolCallDelta } from '../../../src/text/tool-calls/types.ts';

/** Each call's id and name with the first piece, its arguments `size` characters at a time. */
function pieces(calls: readonly (readonly [name: string, args: string])[], size: number): ToolCallDelta[] {
  return calls.flatMap(([name, args], index) =>
    (args.match(new RegExp(`.{1,${size}}`, 'g')) ?? []).map((piece, i) =>
      i === 0 ? { index, id: `call_${index}`, name, arguments: piece } : { index, arguments: piece },
    ),
  );
}

function read(calls: readonly (readonly [string, string])[], size: number) {
  const repeated = new RepeatedCalls();
  const kept: string[] = [];
  const add = (deltas: readonly ToolCallDelta[]) => {
    for (const { index, name = '', arguments: args = '' } of deltas) kept[index] = (kept[index] ?? '') + name + args;
  };
  for (const piece of pieces(calls, size)) add(repeated.push([piece]));
  const { ended } = repeated;
  add(repeated.end());
  return { kept, ended };
}

const rome = ['weather', '{"city": "Rome"}'] as const;
const oslo = ['weather', '{"city": "Oslo"}'] as const;
const romeInF = ['weather', '{"city": "Rome", "unit": "f"}'] as const;
const time = ['time', '{"city": "Rome"}'] as const;
const text = ([name, args]: readonly [string, string]) => name + args;

t.test('a repeated call ends the answer and is no part of it', (t) => {
  for (const size of [1, 3, 100]) {
    t.same(read([rome, rome, oslo], size), { kept: [text(rome)], ended: true }, `${size} at a time`);
    t.same(read([rome, oslo, rome], size), { kept: [rome, oslo].map(text), ended: true });
    t.same(read([rome, oslo, oslo], size), { kept: [rome, oslo].map(text), ended: true });
  }
  t.end();
});

t.test('calls that only begin alike are all kept', (t) => {
  for (const size of [1, 3, 100]) {
    const calls = [rome, oslo, time, romeInF] as const;
    t.same(read(calls, size), { kept: calls.map(text), ended: false }, `${size} at a time`);
  }
  t.end();
});

t.test('what a cut call has in common with an earlier one comes out at the end', (t) => {
  t.same(read([rome, ['weather', '{"city": "Ro']], 1), { kept: [text(rome), 'weather{"city": "Ro'], ended: false });
  t.end();
});
