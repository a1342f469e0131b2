import t from 'tap';
import { figuresOf } from '../../bench/compare/figures.ts';
import { compareFigures } from '../../bench/compare/main.ts';
import { tableRow } from '../../bench/engine/main.ts';

t.test('figures of the same name are set against each other, whatever order they come in', async (t) => {
  const line = (rows: object[], date: string): string =>
    JSON.stringify({ bench: 'engine', machine: { cpu: 'x', cores: 2, date }, loadMs: 50, rows });
  const a = [
    'decode 1 9.0 (best 9.9)',
    line(
      [
        { key: 'decode 1', ours: 10 },
        { key: 'decode 4', ours: 0 },
      ],
      '2026-11-01',
    ),
    line([{ key: 'decode 1', ours: 12 }], '2026-11-01'),
    line(
      [
        { key: 'decode 1', ours: 11 },
        { key: 'gone', ours: 3 },
      ],
      '2026-11-01',
    ),
  ].join('\n');
  const b = line(
    [
      { key: 'decode 4', ours: 5 },
      { key: 'decode 1', ours: 22 },
    ],
    '2026-11-02',
  );
  t.same(compareFigures(figuresOf(a), figuresOf(b)), {
    rows: [
      { name: 'engine rows[decode 1].ours', a: 11, b: 22, ratio: 2 },
      { name: 'engine rows[decode 4].ours', a: 0, b: 5, ratio: null },
    ],
    equal: 1,
    single: 1,
  });
});

t.test('bench/engine: the best of rates is the highest, of times the lowest', async (t) => {
  t.same(tableRow('decode 1', [10, 30, 20], [5, 10, 10]), {
    key: 'decode 1',
    ours: 20,
    best: 30,
    peer: 10,
    ratio: 2,
  });
  t.match(tableRow('ttft 16 ms', [10, 30, 20], []), { ours: 20, best: 10, peer: null, ratio: null });
});
