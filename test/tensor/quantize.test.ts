/** Load-time quantization keeps weights close, and dequantizing means `scale · q + min` in every stored format. */
import t from 'tap';
import fc from 'fast-check';
import { EngineError } from '../../src/errors.ts';
import { f16ToF32, f32ToBf16, f32ToF16 } from '../../src/tensor/f16.ts';
import { quantizedSource, quantizeRows, WEIGHT_GROUP } from '../../src/tensor/quantize.ts';
import { dequantizeRows, matrixFromRows, readAllRows, sliceRows } from '../../src/tensor/rows.ts';
import { random, randomFloats } from '../helpers/random.ts';

/** A group of weights: one of several magnitudes, sometimes far from zero, sometimes constant. */
const group = fc
  .record({
    values: fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 32, maxLength: 32 }),
    spread: fc.constantFrom(0, 1e-6, 0.02, 1, 300),
    centre: fc.constantFrom(0, 0.1, -5, 20_000),
  })
  .map(({ values, spread, centre }) => Float32Array.from(values, (v) => v * spread + centre));

t.test('int8: every element is within half a step', async () => {
  fc.assert(
    fc.property(group, (w) => {
      const rows = quantizeRows(w, 1, 32, 'int8');
      const half = f16ToF32(rows.scale[0]) / 2;
      const back = dequantizeRows(rows, 1, 32, 32);
      // The stored value itself is an f32: one rounding of its magnitude comes on top.
      return w.every((v, i) => Math.abs(v - back[i]) <= half * 1.0001 + Math.abs(v) * 2 ** -22);
    }),
    { numRuns: 500 },
  );
});

t.test('int8: a step is about the 255th part of the range', async (t) => {
  const w = randomFloats(1, 32, 0.05);
  const range = Math.max(...w) - Math.min(...w);
  const step = f16ToF32(quantizeRows(w, 1, 32, 'int8').scale[0]);
  t.ok(step >= range / 255 && step < (range / 255) * 1.02, `${step} for ${range}`);
});

t.test('int4: the squared error of a group is never above that of its own range in 15 steps', async () => {
  fc.assert(
    fc.property(group, (w) => {
      const back = dequantizeRows(quantizeRows(w, 1, 32, 'int4'), 1, 32, 32);
      const error = w.reduce((sum, v, i) => sum + (v - back[i]) ** 2, 0);
      // The bound of plain rounding to min + k · step, with min and step widened to f16.
      const low = Math.min(...w);
      const min = low - Math.max(Math.abs(low) * 2 ** -10, 2 ** -24);
      const step = ((Math.max(...w) - min) / 15) * (1 + 2 ** -10) + 2 ** -24;
      return error <= 32 * (step / 2) ** 2 + 32 * (low * 2 ** -22) ** 2;
    }),
    { numRuns: 500 },
  );
});

t.test('int4: normal weights lose less than plain rounding would', async (t) => {
  const next = random(5);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const w = Float32Array.from({ length: 32 * 2000 }, () => 0.02 * normal());
  const back = dequantizeRows(quantizeRows(w, 2000, 32, 'int4'), 2000, 32, 32);
  let error = 0;
  let power = 0;
  let plain = 0;
  for (let g = 0; g < 2000; g++) {
    const values = w.subarray(g * 32, g * 32 + 32);
    const min = Math.min(...values);
    const step = (Math.max(...values) - min) / 15;
    values.forEach((v, i) => {
      error += (v - back[g * 32 + i]) ** 2;
      plain += (v - (min + Math.round((v - min) / step) * step)) ** 2;
      power += v * v;
    });
  }
  t.ok(error < 0.82 * plain, `${error / power} against ${plain / power}`);
  t.ok(error / power < 0.005, `NMSE ${error / power}`);
});

t.test('a quantized source reads like its source, any rows at a time', async (t) => {
  const w = randomFloats(9, 70 * 64);
  const bits = Uint16Array.from(w, f32ToBf16);
  const source = matrixFromRows('w', 70, 64, { format: 'bf16', data: new Uint8Array(bits.buffer) }, 0);
  const quantized = quantizedSource(source, 'int4');
  t.equal(quantized.groupSize, WEIGHT_GROUP);
  const whole = dequantizeRows(readAllRows(quantized), 70, 64, 32);
  const part = dequantizeRows(quantized.readRows(13, 2), 2, 64, 32);
  t.same(part, whole.subarray(13 * 64, 15 * 64));
  t.equal(quantizedSource(quantized, 'int8'), quantized, 'integers stay as stored');
});

t.test('what cannot be quantized says so', async (t) => {
  const odd = matrixFromRows('odd', 1, 40, { format: 'f32', data: new Uint8Array(160) }, 0);
  t.throws(() => quantizedSource(odd, 'int4'), { code: 'unsupported_model', message: /odd has 40 columns/ });
  const huge = new Float32Array(32).fill(1e6);
  const source = matrixFromRows('huge', 1, 32, { format: 'f32', data: new Uint8Array(huge.buffer) }, 0);
  t.throws(() => quantizedSource(source, 'int8').readRows(0, 1), EngineError);
});

t.test('rows are sliced and widened from unaligned memory', async (t) => {
  const bytes = new Uint8Array(1 + 2 * 6);
  bytes.set(new Uint8Array(Uint16Array.from([1, -2, 0.5, 3, 4, 5], f32ToF16).buffer), 1);
  const host = { format: 'f16' as const, data: bytes.subarray(1) };
  t.same([...dequantizeRows(sliceRows(host, 1, 1, 3, 0), 1, 3, 0)], [3, 4, 5]);
  const packed = {
    format: 'int4' as const,
    q: Uint8Array.of(0x21, 0x43),
    scale: Uint16Array.of(f32ToF16(2)),
    min: Uint16Array.of(f32ToF16(-1)),
  };
  t.same([...dequantizeRows(packed, 1, 4, 4)], [1, 3, 5, 7], 'the even column is the low nibble');
});
