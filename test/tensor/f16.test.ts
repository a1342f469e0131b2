import t from 'tap';
import fc from 'fast-check';
import { bf16ToF32, f16Table, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/tensor/f16.ts';

t.test('every half value survives the round trip', async (t) => {
  let wrong = 0;
  for (let bits = 0; bits < 65536; bits++) {
    const value = f16ToF32(bits);
    if (Number.isNaN(value) ? !Number.isNaN(f16Table()[bits]) : f32ToF16(value) !== bits) wrong++;
  }
  t.equal(wrong, 0);
});

t.test('rounding is to the nearest half, ties to even', async (t) => {
  t.equal(f16ToF32(f32ToF16(65519)), 65504);
  t.equal(f16ToF32(f32ToF16(65520)), Infinity);
  t.equal(f32ToF16(2 ** -25), 0);
  t.equal(f32ToF16(2 ** -25 * 1.5), 1);
  fc.assert(
    fc.property(fc.float({ min: -65000, max: 65000, noNaN: true }), (x) => {
      const bits = f32ToF16(x);
      const error = Math.abs(f16ToF32(bits) - x);
      for (const near of [bits - 1, bits + 1])
        if ((near & 0x7fff) < 0x7c00 && error > Math.abs(f16ToF32(near) - x)) return false;
      return true;
    }),
  );
});

t.test('bf16 keeps the upper half of f32, rounded', async (t) => {
  t.equal(bf16ToF32(f32ToBf16(1)), 1);
  t.equal(bf16ToF32(f32ToBf16(1 + 2 ** -9)), 1);
  t.equal(bf16ToF32(f32ToBf16(-3.140625)), -3.140625);
});
