/** One decoder layer with random weights, and steps of one token a row through it. */
import type { ProductName } from '../../src/kernels/decoder-layer/layer-spec.ts';
import type { Activation, KVCache, KVDtype, Linear, Ops, RotarySpec, Step } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer, type DecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import type { WeightFormat } from '../../src/tensor/matrix.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { kvLayerOf, oneLayerCache } from './batches.ts';
import { randomMatrix } from './matrices.ts';
import { adaptersOf, writtenLora } from './adapters.ts';
import { randomFloats } from './random.ts';

export interface LayerShape {
  readonly name: string;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  readonly format: WeightFormat;
  readonly groupSize: number;
  readonly kvDtype: KVDtype;
  readonly biases?: readonly ProductName[];
  readonly headNorms?: boolean;
  readonly activation?: Activation;
  /** All of the head where it is not said. */
  readonly rotaryDim?: number;
  readonly interleaved?: boolean;
  /** Angles that come with each step. */
  readonly dynamic?: boolean;
  readonly slidingWindow?: number;
  readonly softcap?: number;
  readonly adapters?: LayerAdapters;
}

/** Adapters of a layer whose parts q, k, v, gate and up are multiples of 64. */
interface LayerAdapters {
  readonly maxRank: number;
  /** By slot, for each product; a list has one for each part, 0 where the adapter leaves it alone. No list: no room there. */
  readonly ranks: Partial<Record<ProductName, readonly (number | readonly number[])[]>>;
  /** Slot of each row; null: none. */
  readonly rows: readonly (number | null)[];
}

const MAX_LENGTH = 40;
/** Prime to the slots below: positions lie scattered. */
const STRIDE = 7;

export async function randomLayer(ops: Ops, s: LayerShape): Promise<{ layer: DecoderLayer; kv: KVCache }> {
  const { hidden, heads, kvHeads, headDim, intermediate } = s;
  const vector = (seed: number, n: number) => ops.uploadF32(randomFloats(seed, n), [n]);
  const linear = async (name: ProductName, seed: number, parts: readonly number[], cols: number): Promise<Linear> => {
    const rows = parts.reduce((n, part) => n + part, 0);
    const ranks = s.adapters?.ranks[name];
    return {
      weight: await ops.uploadMatrix(randomMatrix(seed, rows, cols, s.format, s.groupSize).source),
      ...(s.biases?.includes(name) ? { bias: vector(seed + 1, rows) } : {}),
      ...(ranks ? { lora: writtenLora(ops, { name, parts, cols, ranks, maxRank: s.adapters.maxRank }) } : {}),
    };
  };
  const slots = MAX_ROWS * MAX_LENGTH;
  const size = { slots, maxRequests: MAX_ROWS, maxLength: MAX_LENGTH };
  const kv = ops.createKVCache(oneLayerCache({ ...size, kvHeads, headDim, dtype: s.kvDtype }));
  const layer: DecoderLayer = {
    inputNorm: vector(1, hidden),
    qkv: await linear('qkv', 2, [heads * headDim, kvHeads * headDim, kvHeads * headDim], hidden),
    o: await linear('o', 4, [hidden], heads * headDim),
    postAttentionNorm: vector(6, hidden),
    gateUp: await linear('gateUp', 7, [intermediate, intermediate], hidden),
    down: await linear('down', 9, [hidden], intermediate),
    headNorms: s.headNorms ? { query: vector(11, headDim), key: vector(12, headDim) } : null,
    eps: 1e-5,
    activation: s.activation ?? 'silu',
    rotary: rotarySpec(ops, s),
    attention: {
      heads,
      scale: 1 / Math.sqrt(headDim),
      ...(s.slidingWindow === undefined ? {} : { slidingWindow: s.slidingWindow }),
      ...(s.softcap === undefined ? {} : { softcap: s.softcap }),
    },
    kv: kvLayerOf(kv),
  };
  return { layer, kv };
}

function rotarySpec(ops: Ops, { headDim, rotaryDim = headDim, interleaved = false, dynamic }: LayerShape): RotarySpec {
  const positions = Uint32Array.from({ length: MAX_LENGTH }, (_, p) => p);
  const table = ops.uploadF32(rotaryRows(positions, rotaryDim, 1), [MAX_LENGTH, rotaryDim]);
  const rows = (tokens: Uint32Array) => rotaryRows(tokens, rotaryDim, DYNAMIC_SCALE);
  return { headDim, rotaryDim, interleaved, table, ...(dynamic ? { dynamic: { trainedLength: 0, rows } } : {}) };
}

/** So that the step's angles are others than the table's. */
const DYNAMIC_SCALE = 3;

/** [positions, rotaryDim]: cosines, then sines. */
function rotaryRows(positions: Uint32Array, rotaryDim: number, scale: number): Float32Array {
  const rows = Array.from(positions, (position) => {
    const angles = Array.from({ length: rotaryDim / 2 }, (_, i) => position / scale / 10000 ** ((2 * i) / rotaryDim));
    return [...angles.map(Math.cos), ...angles.map(Math.sin)];
  });
  return Float32Array.from(rows.flat());
}

/** Rows of the KV cache. */
const MAX_ROWS = 6;

/** Token `position` of each of `rows` rows: the layer's input and the step. */
function stepAt(ops: Ops, s: LayerShape, rows: number, position: number, kv: KVCache): { x: Tensor; step: Step } {
  const each = (value: (row: number) => number) => Uint32Array.from({ length: rows }, (_, row) => value(row));
  const slots = [each((row) => ((row * MAX_LENGTH + position) * STRIDE) % (MAX_ROWS * MAX_LENGTH))];
  const positions = each(() => position);
  const rotary = s.dynamic ? { rotaryRows: rotaryRows(positions, s.rotaryDim ?? s.headDim, DYNAMIC_SCALE) } : {};
  const adapters = s.adapters ? { adapters: adaptersOf(s.adapters.rows.slice(0, rows)) } : {};
  const batch = { tokenIds: each(() => 0), positions, tableRows: each((row) => row), slots, ...rotary, ...adapters };
  const step = ops.beginStep({ ...batch, logitIndices: Uint32Array.of(0) }, kv);
  return { x: ops.uploadF32(randomFloats(100 + position, rows * s.hidden), [rows, s.hidden]), step };
}

/** A layer with the first token of each row. */
export async function layerStep(
  ops: Ops,
  s: LayerShape,
  rows: number,
): Promise<{ layer: DecoderLayer; x: Tensor; step: Step }> {
  const { layer, kv } = await randomLayer(ops, s);
  return { layer, ...stepAt(ops, s, rows, 0, kv) };
}

/** Outputs of `count` steps of a token of each of `rows` rows, one behind the other, and the dispatches that each took. */
export async function decodeLayer(ops: Ops, s: LayerShape, rows: number, count: number) {
  const { layer, kv } = await randomLayer(ops, s);
  const y: Float32Array[] = [];
  const dispatches: number[] = [];
  for (let p = 0; p < count; p++) {
    const { x, step } = stepAt(ops, s, rows, p, kv);
    const before = dispatchesOf(ops);
    // An owner of each step's own, since x is another tensor each time.
    const { out } = ops.program({}, step, (part) => ({ out: runDecoderLayer(part, x, layer, step) }));
    dispatches.push(dispatchesOf(ops) - before);
    const read = ops.read(out);
    ops.endStep();
    y.push((await read) as Float32Array);
  }
  return { y, dispatches };
}

const dispatchesOf = (ops: Ops): number => (ops instanceof WebGPUOps ? ops.context.recorder.dispatches : 0);

/** The smallest of the shapes that lavapipe has a kernel for. */
export const smallLayer = {
  name: 'int4, f16 keys',
  ...{ hidden: 128, heads: 4, kvHeads: 2, headDim: 32, intermediate: 192 },
  ...{ format: 'int4', groupSize: 32, kvDtype: 'f16' },
} as const satisfies LayerShape;

/** Ranks of 8 to 64 side by side, parts and whole products that adapters leave alone, rows without. */
export const smallAdapters: LayerAdapters = {
  maxRank: 64,
  ranks: {
    qkv: [8, [16, 0, 24], 64, [0, 40, 8]],
    o: [8, 0, 64, 40],
    gateUp: [8, 0, 64, [12, 40]],
    down: [8, 16, 64, 0],
  },
  rows: [2, null, 0, 3, 1, 2],
};
