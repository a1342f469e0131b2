/**
 * bitsandbytes: four bits a weight with a codebook (`nf4`, `fp4`), scales a block of consecutive weights, which may be
 * quantized once more; and LLM.int8(), a scale a row.
 * Source: bitsandbytes, functional.py (QuantState, dequantize_4bit, int8_vectorwise_dequant).
 */
import { z } from 'zod';
import { parseKeys } from '../../config.ts';
import { notReadable, parseJson } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import { readVector, type StoredTensor } from '../stored-tensor.ts';
import { codedTensor, consecutive } from './coded-layer.ts';
import type { LayerParts } from './layer-parts.ts';
import type { Packing } from './packing.ts';
import { int8Layer } from './row-codes.ts';

const stateSuffix = /\.weight\.quant_state\.bitsandbytes__(nf4|fp4)$/;
const dimension = z.int().positive();
const stateKeys = z.object({
  blocksize: dimension,
  shape: z.tuple([dimension, dimension]),
});
const nestedKeys = z.object({ nested_blocksize: dimension, nested_offset: z.number() });

export const bitsandbytes: Packing = {
  suffixOf: ({ name, dtype }) => {
    const state = stateSuffix.exec(name);
    if (state) return state[0];
    return dtype === 'I8' && name.endsWith('.weight') ? '.weight' : null;
  },
  weight: (tensor, parts) => (tensor.dtype === 'I8' ? int8(tensor, parts) : fourBits(tensor, parts)),
};

/** `w = SCB / 127 · q`. Columns with outliers are int8 like the others. */
function int8(weight: SafetensorsTensor, parts: LayerParts): StoredTensor {
  const [rows = 0] = weight.shape;
  const scale = parts.take('.SCB', { shape: [rows], why: 'rows of the weight' });
  const format = parts.takeIfThere('.weight_format', { dtypes: ['U8'] });
  const order = format?.readBytes()[0] ?? 0;
  if (order !== 0)
    throw notReadable(weight.file, `tensor ${parts.name}.weight_format is ${order}; only rows (0) are read`);
  return int8Layer({ weight, scale, factor: 1 / 127 }, parts);
}

/** `w = absmax[block] · quant_map[code]`; of two codes in a byte the high one comes first. */
function fourBits(state: SafetensorsTensor, parts: LayerParts): StoredTensor {
  const { file } = state;
  const {
    blocksize,
    shape: [rows, cols],
  } = readState(state, stateKeys);
  // Stored in whichever type bnb_4bit_quant_storage says: its bytes are the codes.
  const packed = parts.take('.weight');
  if (packed.bytes * 2 !== rows * cols)
    throw notReadable(
      file,
      `tensor ${packed.name} has ${packed.bytes} bytes; [${rows}, ${cols}] takes ${(rows * cols) / 2}`,
    );
  if (cols % blocksize !== 0 && blocksize % cols !== 0)
    throw notReadable(
      file,
      `tensor ${packed.name}: rows of ${cols} columns do not begin where blocks of ${blocksize} do`,
    );
  const blocks = Math.ceil((rows * cols) / blocksize);
  const nested = parts.has('.weight.nested_absmax') ? readState(state, nestedKeys) : null;
  const absmax = parts.take('.weight.absmax', {
    dtypes: [nested ? 'U8' : 'F32'],
    shape: [blocks],
    why: `[${rows}, ${cols}] in blocks of ${blocksize}`,
  });
  const quantMap = parts.take('.weight.quant_map', { shape: [16], why: 'four bits' });
  const outer = nested && nestedScales(parts, blocks, nested);
  const open = () => {
    const factors = outer ? outer(absmax.readBytes()) : readVector(absmax);
    return {
      codes: (start: number, count: number, q: Uint8Array) => {
        const bytes = packed.readBytes((start * cols) / 2, (count * cols) / 2);
        for (let i = 0; i < bytes.length; i++) q[i] = (bytes[i] << 4) | (bytes[i] >> 4);
      },
      scale: (row: number, group: number) => factors[Math.floor((row * cols) / blocksize) + group],
      zero: () => 0,
    };
  };
  const [, kind] = stateSuffix.exec(state.name)!;
  const values = readVector(quantMap);
  const groups = () => consecutive(cols, Math.min(cols, blocksize));
  return codedTensor({ dtype: kind.toUpperCase(), bits: 4, rows, cols, values, groups, open }, parts, file);
}

function readState<S extends z.ZodType>(state: SafetensorsTensor, keys: S): z.infer<S> {
  const where = `${state.file} (tensor ${state.name})`;
  return parseKeys(keys, parseJson(new TextDecoder().decode(state.readBytes()), where), where);
}

/** Codes of scales → scales: `nested_absmax[block] · nested_quant_map[code] + nested_offset`. */
function nestedScales(
  parts: LayerParts,
  count: number,
  { nested_blocksize: size, nested_offset: offset }: z.infer<typeof nestedKeys>,
): (codes: Uint8Array) => Float32Array {
  const shape = [Math.ceil(count / size)];
  const absmax = parts.take('.weight.nested_absmax', { shape, why: `${count} scales in blocks of ${size}` });
  const map = parts.take('.weight.nested_quant_map', { shape: [256], why: 'eight bits' });
  return (codes) => {
    const [factors, values] = [readVector(absmax), readVector(map)];
    return Float32Array.from(codes, (code, i) => factors[Math.floor(i / size)] * values[code] + offset);
  };
}
