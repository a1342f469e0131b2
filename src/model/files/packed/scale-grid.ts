/** Which scale belongs to which weight: one for all, one a row, one for some columns of a row, or one a block. */
import { notReadable } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import { consecutive, type ColumnGroups } from './coded-layer.ts';

export interface ScaleGrid {
  readonly groups: ColumnGroups;
  /** Place of a scale among those of the file. */
  at(row: number, group: number): number;
}

/**
 * @param scale `[]`, `[1]`, `[rows]`, `[rows, 1]`, `[rows, groups]` or `[row blocks, column blocks]`
 * @param block rows and columns of a block, as config.json says; null where it does not
 */
export function scaleGrid(
  scale: SafetensorsTensor,
  { rows, cols }: { rows: number; cols: number },
  block: readonly [number, number] | null,
): ScaleGrid {
  const [down = 1, across = 1] = scale.shape;
  const height = down === 1 ? rows : down === rows ? 1 : (block?.[0] ?? NaN);
  const width = across === 1 ? cols : (block?.[1] ?? cols / across);
  const fits = Math.ceil(rows / height) === down && Math.ceil(cols / width) === across && Number.isInteger(width);
  if (scale.shape.length > 2 || !fits) {
    const said = block ? ` in blocks of [${block.join(', ')}]` : '';
    throw notReadable(
      scale.file,
      `tensor ${scale.name} is [${scale.shape.join(', ')}], which are no scales of a weight [${rows}, ${cols}]${said}`,
    );
  }
  const at = (row: number, group: number) => Math.floor(row / height) * across + group;
  return { groups: consecutive(cols, width), at };
}
