/** AWQ and GPTQ: `NAME.qweight`, `NAME.qzeros`, `NAME.scales` and `NAME.g_idx`. Columns of a row lie apart in the file, so that a matrix is held whole while it is read. */
import { codedTensor, consecutive } from './coded-layer.ts';
import type { PackedLayout } from './layout.ts';
import type { Packing } from './packing.ts';
import { columnGroups, scales, words } from './part-values.ts';

/** @param groupSize columns that share a scale and a zero point; null for whole rows */
export function columnsPacked(layout: PackedLayout, groupSize: number | null): Packing {
  return {
    suffixOf: ({ name }) => (name.endsWith('.qweight') ? '.qweight' : null),
    weight: (qweight, parts) => {
      const { bits, name: dtype } = layout;
      const [first = 0, second = 0] = qweight.shape;
      parts.take('.qweight', { dtypes: ['I32'], shape: [first, second], why: 'packed layers' });
      const { rows, cols } = layout.matrixShape([first, second]);
      const size = groupSize ?? cols;
      const count = Math.ceil(cols / size);
      const why = `bits ${bits} and group_size ${groupSize ?? -1}`;
      const qzeros = parts.take('.qzeros', { dtypes: ['I32'], shape: [count, (rows * bits) / 32], why });
      const scale = parts.take('.scales', { shape: [count, rows], why });
      const index = parts.takeIfThere('.g_idx', { dtypes: ['I32'], shape: [cols], why });
      const groups = () => (index ? columnGroups(index, count) : consecutive(cols, size));
      const open = () => {
        const [weights, zeros, factors] = [words(qweight), words(qzeros), scales(scale)];
        return {
          codes: (start: number, count: number, q: Uint8Array) =>
            layout.unpack(weights, { rows, cols }, start, count, q),
          scale: (row: number, group: number) => factors[group * rows + row],
          zero: (row: number, group: number) => layout.zero(zeros, rows, group, row),
        };
      };
      return codedTensor({ dtype, bits, rows, cols, values: null, groups, open }, parts, scale.file);
    },
  };
}
