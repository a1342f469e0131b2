/** Random adapters for kernel tests. */
import { NO_ADAPTER, type Lora, type LoraPart, type Ops } from '../../src/kernels/ops.ts';
import { f32ToF16 } from '../../src/tensor/f16.ts';
import { randomFloats } from './random.ts';

interface RandomLora {
  /** In features. */
  readonly cols: number;
  /** Out features of the stacked parts. */
  readonly parts: readonly number[];
  /** Of the adapter in each slot; a list has one for each part, 0 where the adapter leaves it alone. */
  readonly ranks: readonly (number | readonly number[])[];
}

/** What lies in each slot. */
export function randomLora({ cols, parts, ranks }: RandomLora): (LoraPart | null)[][] {
  return ranks.map((slotRanks, slot) =>
    parts.map((rows, p) => {
      const rank = typeof slotRanks === 'number' ? slotRanks : slotRanks[p];
      if (rank === 0) return null;
      const bits = (seed: number, n: number) => Uint16Array.from(randomFloats(seed, n), f32ToF16);
      const [a, b] = [bits(slot * 9 + p, rank * cols), bits(slot * 9 + p + 100, rows * rank)];
      return { rank, scale: 2 / (rank + cols) ** 0.5, a, b };
    }),
  );
}

/** StepBatch.adapters; null: none. */
export function adaptersOf(slots: readonly (number | null)[]): Uint32Array {
  return Uint32Array.from(slots, (slot) => slot ?? NO_ADAPTER);
}

/** Room for them beside one linear layer, with all of them in it. */
export function writtenLora(ops: Ops, spec: RandomLora & { readonly name: string; readonly maxRank: number }): Lora {
  const { name, parts, cols, maxRank, ranks } = spec;
  const lora = ops.createLora({ name, parts, cols, slots: ranks.length, maxRank });
  randomLora(spec).forEach((weights, slot) => ops.writeLora(lora, slot, weights));
  return lora;
}
