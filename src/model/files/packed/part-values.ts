/** Whole small parts of a packed layer, as numbers. */
import { e8m0 } from '../../../tensor/f8.ts';
import { notReadable } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import { readVector } from '../stored-tensor.ts';
import type { ColumnGroups } from './coded-layer.ts';

export function words(tensor: SafetensorsTensor): Uint32Array {
  const bytes = tensor.readBytes();
  return new Uint32Array(bytes.buffer, 0, bytes.length / 4);
}

/** Floats of any type, powers of two (E8M0) among them. */
export function scales(tensor: SafetensorsTensor): Float32Array {
  return tensor.dtype === 'F8_E8M0' ? Float32Array.from(tensor.readBytes(), (bits) => e8m0[bits]) : readVector(tensor);
}

/** The group of each column as the file says it: act-order. */
export function columnGroups(tensor: SafetensorsTensor, count: number): ColumnGroups {
  const of = words(tensor);
  const wrong = of.find((group) => group >= count);
  if (wrong === undefined) return { count, of };
  throw notReadable(tensor.file, `tensor ${tensor.name} names group ${wrong | 0} of ${count}`);
}
