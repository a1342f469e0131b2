/** A model's matrix with an adapter's product added: for one adapter that everything is computed with. */
import type { Quantization } from '../../config.ts';
import type { LoraPart } from '../../kernels/ops.ts';
import { f16Table, f32ToBf16, f32ToF16 } from '../../tensor/f16.ts';
import type { MatrixSource } from '../../tensor/matrix.ts';
import { quantizedSource } from '../../tensor/quantize.ts';
import { dequantizeRows } from '../../tensor/rows.ts';

/**
 * `W + scale · B · A`, in f32 and then in the format that W has: f16 and bf16 are rounded, integers become int8 in groups of 32.
 * Where `quant` changes the format anyway it stays f32.
 */
export function merged(source: MatrixSource, { rank, scale, a, b }: LoraPart, quant: Quantization): MatrixSource {
  const { cols, format, groupSize } = source;
  const keepsFormat = quant === 'stored' || (quant === 'none' && format !== 'int8' && format !== 'int4');
  const half = f16Table();
  const floats = Float32Array.from(a, (bits) => half[bits]);
  const sum = (start: number, count: number): Float32Array => {
    const values = dequantizeRows(source.readRows(start, count), count, cols, groupSize);
    for (let n = 0; n < count; n++) {
      for (let r = 0; r < rank; r++) {
        const factor = scale * half[b[(start + n) * rank + r]];
        for (let k = 0; k < cols; k++) values[n * cols + k] += factor * floats[r * cols + k];
      }
    }
    return values;
  };
  const isSixteen = format === 'f16' || format === 'bf16';
  const toBits = format === 'f16' ? f32ToF16 : f32ToBf16;
  if (keepsFormat && isSixteen) {
    const readRows = (start: number, count: number) => {
      const bits = Uint16Array.from(sum(start, count), toBits);
      return { format, data: new Uint8Array(bits.buffer) };
    };
    return { ...source, readRows };
  }
  const readRows = (start: number, count: number) => {
    return { format: 'f32', data: new Uint8Array(sum(start, count).buffer) } as const;
  };
  const whole: MatrixSource = { ...source, format: 'f32', groupSize: 0, readRows };
  return keepsFormat && format !== 'f32' ? quantizedSource(whole, 'int8') : whole;
}
