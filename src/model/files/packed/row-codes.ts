/** Layers whose codes lie in rows of one byte each, with scales beside them: fp8, and int8 with or without zero points. */
import { e4m3 } from '../../../tensor/f8.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import type { StoredTensor } from '../stored-tensor.ts';
import { matrixShape } from '../stored-tensor.ts';
import { codedTensor, type CodedLayer } from './coded-layer.ts';
import type { LayerParts } from './layer-parts.ts';
import { scales } from './part-values.ts';
import { scaleGrid } from './scale-grid.ts';

interface RowCodes {
  readonly weight: SafetensorsTensor;
  readonly scale: SafetensorsTensor;
  /** I8 like the weight, of the scale's shape; null for 0. */
  readonly zeroPoint?: SafetensorsTensor | null;
  readonly block?: readonly [number, number] | null;
  /** What a scale is multiplied by. */
  readonly factor?: number;
}

/** `w = scale · e4m3(byte)`. Source: transformers, integrations/finegrained_fp8.py (Fp8Dequantize). */
export function fp8Layer(codes: RowCodes, parts: LayerParts): StoredTensor {
  return codedTensor({ ...rowCodes(codes, 0), dtype: 'FP8', values: e4m3 }, parts, codes.scale.file);
}

/**
 * `w = scale · (q - zero)`; the engine's codes are unsigned.
 *
 * @param bits those that codes use of their byte
 */
export function int8Layer(codes: RowCodes, parts: LayerParts, bits = 8): StoredTensor {
  return codedTensor({ ...rowCodes(codes, 1 << (bits - 1)), dtype: 'INT8', values: null }, parts, codes.scale.file);
}

/** @param offset is added to each code; as small as it may be, since the minimum that makes up for it is rounded */
function rowCodes(
  { weight, scale, zeroPoint = null, block = null, factor = 1 }: RowCodes,
  offset: number,
): Omit<CodedLayer, 'dtype' | 'values'> {
  const { rows, cols } = matrixShape(weight.shape);
  const grid = scaleGrid(scale, { rows, cols }, block);
  const open = () => {
    const factors = scales(scale);
    const zeros = zeroPoint && new Int8Array(zeroPoint.readBytes().buffer);
    return {
      codes: (start: number, count: number, q: Uint8Array) => {
        const bytes = weight.readBytes(start * cols, count * cols);
        for (let i = 0; i < bytes.length; i++) q[i] = bytes[i] + offset; // modulo 256
      },
      scale: (row: number, group: number) => factors[grid.at(row, group)] * factor,
      zero: (row: number, group: number) => offset + (zeros ? zeros[grid.at(row, group)] : 0),
    };
  };
  return { bits: 8, rows, cols, groups: () => grid.groups, open };
}
