/** Random weight matrices in every stored format, with their values beside them. */
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/tensor/f16.ts';
import type { HostRows, MatrixSource, WeightFormat } from '../../src/tensor/matrix.ts';
import { matrixFromRows } from '../../src/tensor/rows.ts';
import { random, randomFloats } from './random.ts';

export interface RandomMatrix {
  readonly source: MatrixSource;
  /** `[rows, cols]`: what the stored elements mean. */
  readonly values: Float64Array;
}

export function randomMatrix(
  seed: number,
  rows: number,
  cols: number,
  format: WeightFormat,
  groupSize = format === 'int8' || format === 'int4' ? 32 : 0,
): RandomMatrix {
  const { host, values } =
    format === 'int8' || format === 'int4'
      ? randomIntegerRows(seed, rows, cols, format, groupSize)
      : randomFloatRows(seed, rows * cols, format);
  return { source: matrixFromRows(`random ${format}`, rows, cols, host, groupSize), values };
}

function randomFloatRows(seed: number, n: number, format: 'f32' | 'f16' | 'bf16') {
  const floats = randomFloats(seed, n);
  const asHost = (array: Float32Array | Uint16Array): HostRows => ({ format, data: new Uint8Array(array.buffer) });
  switch (format) {
    case 'f32':
      return { host: asHost(floats), values: Float64Array.from(floats) };
    case 'f16': {
      const bits = Uint16Array.from(floats, f32ToF16);
      return { host: asHost(bits), values: Float64Array.from(bits, f16ToF32) };
    }
    case 'bf16': {
      const bits = Uint16Array.from(floats, f32ToBf16);
      return { host: asHost(bits), values: Float64Array.from(bits, bf16ToF32) };
    }
    default:
      return format satisfies never;
  }
}

function randomIntegerRows(seed: number, rows: number, cols: number, format: 'int8' | 'int4', groupSize: number) {
  const next = random(seed);
  const n = rows * cols;
  const codes = Uint8Array.from({ length: n }, () => Math.floor(next() * (format === 'int8' ? 256 : 16)));
  const largest = format === 'int8' ? 255 : 15;
  const scale = new Uint16Array(n / groupSize);
  const min = new Uint16Array(n / groupSize);
  for (let g = 0; g < scale.length; g++) {
    const range = 0.5 + 1.5 * next();
    scale[g] = f32ToF16(range / largest);
    min[g] = f32ToF16(-range * (0.2 + 0.6 * next()));
  }
  const values = Float64Array.from(codes, (q, i) => {
    const g = Math.floor(i / groupSize);
    return f16ToF32(scale[g]) * q + f16ToF32(min[g]);
  });
  const q =
    format === 'int8' ? codes : Uint8Array.from({ length: n / 2 }, (_, i) => codes[2 * i] | (codes[2 * i + 1] << 4));
  return { host: { format, q, scale, min } as HostRows, values };
}
