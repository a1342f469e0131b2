/** Stacked, widened and reordered matrix sources: exact, whatever rows are asked for. */
import fc from 'fast-check';
import t from 'tap';
import { joinFormat, stackRows, unpermuteHeads, widen } from '../../src/model/files/sources.ts';
import { f32ToF16 } from '../../src/tensor/f16.ts';
import type { HostRows, MatrixSource, WeightFormat } from '../../src/tensor/matrix.ts';
import { dequantizeRows, matrixFromRows } from '../../src/tensor/rows.ts';

const COLS = 64;
type Kind = readonly [WeightFormat, number];
const kinds: readonly Kind[] = [
  ['f32', 0],
  ['f16', 0],
  ['bf16', 0],
  ['int8', 32],
  ['int8', 16],
  ['int4', 32],
];

/** A matrix of any format whose elements all differ from row to row. */
function matrix([format, groupSize]: Kind, rows: number, seed: number): MatrixSource {
  let state = seed * 2654435761 + 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const bits = (n: number) => Uint16Array.from({ length: n }, () => f32ToF16(next() - 0.5));
  const n = rows * COLS;
  let host: HostRows;
  if (format === 'f32') host = { format, data: new Uint8Array(Float32Array.from({ length: n }, next).buffer) };
  else if (format === 'f16' || format === 'bf16') host = { format, data: new Uint8Array(bits(n).buffer) };
  else {
    const q = Uint8Array.from({ length: format === 'int8' ? n : n / 2 }, () => next() * 256);
    host = { format, q, scale: bits(n / groupSize), min: bits(n / groupSize) };
  }
  return matrixFromRows('m', rows, COLS, host, groupSize);
}

function values(source: MatrixSource, start = 0, count = source.rows): Float32Array {
  return dequantizeRows(source.readRows(start, count), count, source.cols, source.groupSize).slice();
}

const part = fc.tuple(fc.constantFrom(...kinds), fc.integer({ min: 1, max: 9 }));

t.test('a stack holds the values of its parts, in any piece of it', (t) => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(), (parts, from, length) => {
      const sources = parts.map(([kind, rows], i) => matrix(kind, rows, i + 1));
      const expected = sources.flatMap((source) => [...values(source)]);
      const stack = stackRows('stack', sources);
      const start = from % stack.rows;
      const count = 1 + (length % (stack.rows - start));
      const piece = values(stack, start, count);
      const same = (a: Float32Array, b: number[]) => a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
      return same(values(stack), expected) && same(piece, expected.slice(start * COLS, (start + count) * COLS));
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test('joined formats', (t) => {
  const join = (...parts: Kind[]) => {
    const { format, groupSize } = joinFormat(parts.map(([format, groupSize]) => ({ format, groupSize })));
    return [format, groupSize];
  };
  t.strictSame(join(['f16', 0], ['f16', 0]), ['f16', 0]);
  t.strictSame(join(['f16', 0], ['bf16', 0]), ['f32', 0]);
  t.strictSame(join(['int4', 32], ['int4', 32]), ['int4', 32]);
  t.strictSame(join(['int4', 32], ['int8', 32]), ['int8', 32]);
  t.strictSame(join(['int4', 32], ['int8', 16]), ['int8', 16]);
  t.strictSame(join(['int8', 32], ['f32', 0]), ['f32', 0]);
  t.end();
});

t.test('widening keeps every value', (t) => {
  const steps: [Kind, Kind][] = [
    [
      ['int4', 32],
      ['int8', 32],
    ],
    [
      ['int4', 32],
      ['int8', 16],
    ],
    [
      ['int8', 32],
      ['int8', 16],
    ],
    ...kinds.map((kind): [Kind, Kind] => [kind, ['f32', 0]]),
  ];
  for (const [from, to] of steps) {
    const source = matrix(from, 5, 3);
    const wide = widen(source, ...to);
    t.strictSame([wide.format, wide.groupSize], to);
    t.strictSame(values(wide, 2, 3), values(source, 2, 3), `${from.join(' ')} → ${to.join(' ')}`);
  }
  t.end();
});

t.test('heads go back to the order of Hugging Face', (t) => {
  const heads = 3;
  const headDim = 8;
  for (const kind of kinds) {
    const original = matrix(kind, heads * headDim, 7);
    const plain = values(original);
    // What llama.cpp's converter does: reshape [heads, 2, D/2], swap the last two.
    const order = Array.from({ length: heads * headDim }, (_, to) => {
      const inHead = to % headDim;
      return to - inHead + (inHead % 2) * (headDim / 2) + Math.floor(inHead / 2);
    });
    const permuted: MatrixSource = {
      ...original,
      readRows: (start, count) => {
        const rows = order
          .slice(start, start + count)
          .flatMap((row) => [...plain.subarray(row * COLS, (row + 1) * COLS)]);
        return { format: 'f32', data: new Uint8Array(Float32Array.from(rows).buffer) };
      },
      format: 'f32',
      groupSize: 0,
    };
    const back = unpermuteHeads(permuted, heads);
    for (const [start, count] of [
      [0, 24],
      [5, 1],
      [6, 11],
      [16, 8],
    ] as const)
      t.strictSame(values(back, start, count), plain.slice(start * COLS, (start + count) * COLS));
  }
  t.end();
});
