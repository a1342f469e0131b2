/**
 * gpt-oss's matrices of experts: of 32 columns a scale and 16 bytes of nibbles, as MXFP4 of GGUF files but for the order of the
 * nibbles. `NAME_blocks` [E, rows, groups, 16], the even column low; `NAME_scales` [E, rows, groups], a byte e: 2^(e - 127).
 * Source: transformers, integrations/mxfp4.py (convert_moe_packed_tensors).
 */
import { mxfp4 as block } from '../ggml-quants/mxfp4.ts';
import type { QuantizedRows } from '../../../tensor/matrix.ts';
import { notReadable } from '../model-file.ts';
import { rowBuffer } from '../sources.ts';
import { matrixShape } from '../stored-tensor.ts';
import type { Packing } from './packing.ts';

const BLOCKS = '_blocks';
const { blockSize, blockBytes, format, groupSize } = block;
const CODES = blockBytes - 1;

export const mxfp4: Packing = {
  suffixOf: ({ name }) => (name.endsWith(BLOCKS) ? BLOCKS : null),
  weight: (blocks, parts) => {
    parts.take(BLOCKS, { dtypes: ['U8'] });
    const { shape, file } = blocks;
    if (shape.length !== 4 || shape[3] !== CODES)
      throw notReadable(
        file,
        `tensor ${blocks.name} is [${shape.join(', ')}]; [experts, rows, groups, ${CODES}] is expected`,
      );
    const scales = parts.take('_scales', { dtypes: ['U8'], shape: shape.slice(0, 3), why: 'blocks' });
    const groups = shape[2];
    const stored = [shape[0], shape[1], groups * blockSize];
    const { name } = blocks;
    const source = () => {
      const { rows, cols } = matrixShape(stored);
      const output = rowBuffer(format, cols, groupSize);
      const one = new Uint8Array(blockBytes);
      const readRows = (start: number, count: number): QuantizedRows => {
        const out = output(count) as QuantizedRows;
        const codes = blocks.readBytes(start * groups * CODES, count * groups * CODES);
        const exponents = scales.readBytes(start * groups, count * groups);
        for (let i = 0; i < count * groups; i++) {
          one[0] = exponents[i];
          halvesApart(codes, i * CODES, one);
          block.decode(one, 0, out, i);
        }
        return out;
      };
      return { name, rows, cols, format, groupSize, readRows };
    };
    return { name, shape: stored, dtype: block.name, bytes: parts.bytes, file, source };
  },
};

/** Nibbles of neighbouring columns → behind the scale those of the first half of the columns low, of the second high. */
function halvesApart(codes: Uint8Array, at: number, out: Uint8Array): void {
  const nibble = (column: number) => (codes[at + (column >> 1)] >> (4 * (column & 1))) & 15;
  for (let i = 0; i < CODES; i++) out[1 + i] = nibble(i) | (nibble(CODES + i) << 4);
}
