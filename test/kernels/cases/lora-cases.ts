/** addLora: ranks from 4 to 128 side by side, tokens without an adapter, stacked parts, uneven shapes, int8 activations. */
import type { LoraPart, Ops } from '../../../src/kernels/ops.ts';
import { f16ToF32 } from '../../../src/tensor/f16.ts';
import { adaptersOf, randomLora, writtenLora } from '../../helpers/adapters.ts';
import { emptyBatch, smallCache } from '../../helpers/batches.ts';
import { randomMatrix } from '../../helpers/matrices.ts';
import { randomFloats } from '../../helpers/random.ts';
import { core, type KernelCase } from './case.ts';

interface LoraCase {
  /** In features. */
  readonly cols: number;
  /** Out features of the stacked parts. */
  readonly parts: readonly number[];
  /** Of the adapter in each slot; a list has one for each part, 0 where the adapter leaves it alone. */
  readonly ranks: readonly (number | readonly number[])[];
  readonly maxRank: number;
  /** Slot of each token; null: none. */
  readonly tokens: readonly (number | null)[];
  readonly activations?: 'int8';
}

function expected(
  { cols, parts, tokens }: LoraCase,
  slots: (LoraPart | null)[][],
  x: ArrayLike<number>,
  y: Float32Array,
) {
  const rows = parts.reduce((n, part) => n + part, 0);
  const out = Float64Array.from(y);
  tokens.forEach((slot, t) => {
    let first = t * rows;
    parts.forEach((count, p) => {
      const part = slot === null ? null : slots[slot][p];
      for (let n = 0; part && n < count; n++)
        for (let r = 0; r < part.rank; r++) {
          let sum = 0;
          for (let k = 0; k < cols; k++) sum += f16ToF32(part.a[r * cols + k]) * x[t * cols + k];
          out[first + n] += part.scale * f16ToF32(part.b[n * part.rank + r]) * sum;
        }
      first += count;
    });
  });
  return out;
}

export function loraCase(spec: LoraCase): KernelCase {
  const { cols, parts, tokens, ranks, maxRank, activations } = spec;
  const rows = parts.reduce((n, part) => n + part, 0);
  const slots = randomLora(spec);
  const x = randomFloats(cols + rows, tokens.length * cols);
  const y = randomFloats(cols + rows + 1, tokens.length * rows);
  const shown = ranks.map((rank) => (typeof rank === 'number' ? rank : `[${rank.join(', ')}]`)).join(', ');
  return {
    name: `addLora [${tokens.length}, ${cols}] → [${parts.join(' + ')}], ranks ${shown} of ${maxRank}${activations ? ', int8 activations' : ''}`,
    activations: activations ?? 'f32',
    prepare: async (ops: Ops) => {
      const lora = writtenLora(ops, { name: 'q + k + v', parts, cols, ranks, maxRank });
      const [xs, ys] = [ops.uploadF32(x, [tokens.length, cols]), ops.uploadF32(y, [tokens.length, rows])];
      const nothing = ops.uploadF32(new Float32Array(y.length), [tokens.length, rows]);
      const ones = ops.uploadF32(new Float32Array(cols).fill(1), [cols]);
      const to = activations ? { to: await ops.uploadMatrix(randomMatrix(1, 8, cols, 'int8', 16).source) } : {};
      const kv = ops.createKVCache(smallCache);
      return () => {
        ops.beginStep({ ...emptyBatch(tokens.length), adapters: adaptersOf(tokens) }, kv);
        const input = activations ? ops.norm(xs, { kind: 'rms', weight: ones, eps: 0 }, to) : xs;
        return ops.addLora(ops.add(ys, nothing), input, lora);
      };
    },
    expected: () => expected(spec, slots, activations ? unitRows(x, cols) : x, y),
    // Of int8 activations the expected value knows nothing: half a step of the largest of a group.
    referenceBound: activations ? { nmse: 1e-4, maxAbs: 0.1 } : { nmse: 1e-11, maxAbs: 1e-4 },
    webgpuBound: activations ? { nmse: 1e-5, maxAbs: 0.05 } : { nmse: 1e-11, maxAbs: 1e-4 },
  };
}

/** Rows scaled to a mean square of 1: what the norm in front makes of them. */
function unitRows(x: Float32Array, cols: number): Float32Array {
  return x.map((value, i) => {
    const row = x.subarray(i - (i % cols), i - (i % cols) + cols);
    return value / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / cols);
  });
}

const mixed = [0, null, 3, 1, 2, 2, null, 0];

export const loraCases: readonly KernelCase[] = [
  core(loraCase({ cols: 64, parts: [64, 32, 32], ranks: [4, 8, 64, 128], maxRank: 128, tokens: mixed })),
  core(loraCase({ cols: 57, parts: [33, 70], ranks: [16, [0, 4], [24, 8]], maxRank: 24, tokens: [2, 1, null, 0, 2] })),
  core(
    loraCase({
      cols: 96,
      parts: [192],
      ranks: [8, 64, 16],
      maxRank: 64,
      tokens: [1, 1, 0, null, 2],
      activations: 'int8',
    }),
  ),
  loraCase({ cols: 1536, parts: [576], ranks: [16], maxRank: 16, tokens: [0] }),
  loraCase({ cols: 100, parts: [9], ranks: [4, 12], maxRank: 16, tokens: [1, null, 0] }),
  loraCase({ cols: 64, parts: [64], ranks: [8], maxRank: 8, tokens: [] }),
];
