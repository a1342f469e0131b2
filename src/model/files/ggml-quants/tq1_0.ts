import { packCodes, repeatScale, u16, type BlockFormat } from './block-format.ts';

/** Runs of digits: `count` bytes from `from` on hold `digits` digits each, element digit·count + i in byte i. */
const runs = [
  { from: 0, count: 32, digits: 5 },
  { from: 32, count: 16, digits: 5 },
  { from: 48, count: 4, digits: 4 },
];
const codes = new Uint8Array(256);

/**
 * 52 bytes of ternary digits, f16 d: w = d·(q - 1) → int4, scale d, min -d. Exact. A byte is the fraction byte / 256 in base three:
 * its n-th digit is the whole part of three times what is left behind 3ⁿ·fraction's point.
 */
export const tq1_0: BlockFormat = {
  name: 'TQ1_0',
  id: 34,
  blockSize: 256,
  blockBytes: 54,
  format: 'int4',
  groupSize: 32,
  decode: (bytes, at, out, block) => {
    repeatScale(u16(bytes, at + 52), 1, out, block * 8, 8);
    let to = 0;
    for (const { from, count, digits } of runs) {
      for (let digit = 0, power = 1; digit < digits; digit++, power *= 3) {
        for (let i = 0; i < count; i++) codes[to++] = (((bytes[at + from + i] * power) & 255) * 3) >> 8;
      }
    }
    packCodes(codes, out.q, block * 128);
  },
};
