/** Finds NaN and infinity among weights while they are read. They are what the exponent's bits say when all are set. */
import type { HostRows, MatrixSource } from '../../tensor/matrix.ts';

/** `(bits & exponent) + one` carries into the sign's bit only where every bit of the exponent is set; two halves in a word. */
const f16 = { exponent: 0x7c007c00, one: 0x04000400, sign: 0x80008000 };
const bf16 = { exponent: 0x7f807f80, one: 0x00800080, sign: 0x80008000 };
const f32 = { exponent: 0x7f800000, one: 0x00800000, sign: 0x80000000 };
const floats = { f16, bf16, f32 };

/** Quantized rows are: the readers of their formats refuse scales that are not. */
export function areFinite(rows: HostRows): boolean {
  return 'data' in rows ? bitsAreFinite(rows.data, floats[rows.format]) : true;
}

/** The same matrix; `report` is called once, when the first rows with such values are read. */
export function watchFinite(source: MatrixSource, report: () => void): MatrixSource {
  let isReported = false;
  const readRows = (start: number, count: number): HostRows => {
    const rows = source.readRows(start, count);
    if (isReported || areFinite(rows)) return rows;
    isReported = true;
    report();
    return rows;
  };
  return { ...source, readRows };
}

function bitsAreFinite(bytes: Uint8Array, { exponent, one, sign }: typeof f16): boolean {
  const count = bytes.byteLength >> 2;
  const words = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const body = new Uint32Array(words.buffer, words.byteOffset, count);
  let carries = 0;
  for (let i = 0; i < count; i++) carries |= (body[i] & exponent) + one;
  // Half a word may be left.
  if (bytes.byteLength % 4 === 2) carries |= ((bytes[4 * count] | (bytes[4 * count + 1] << 8)) & exponent) + one;
  return (carries & sign) === 0;
}
