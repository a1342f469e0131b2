/** One decoder layer with random weights, and steps of one token a row through it. */
import type { DecoderLayer, KVCache, Ops, Step } from '../../src/kernels/ops.ts';
import type { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import type { WeightFormat } from '../../src/tensor/matrix.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { oneLayerCache } from './batches.ts';
import { randomMatrix } from './matrices.ts';
import { randomFloats } from './random.ts';

/** A layer with integer weights whose pairs (i, i + D/2) rotate. */
export interface LayerShape {
  readonly name: string;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  readonly format: WeightFormat;
  readonly groupSize: number;
  readonly kvDtype: 'f16' | 'f32';
  readonly bias?: boolean;
  readonly slidingWindow?: number;
  readonly softcap?: number;
}

const MAX_LENGTH = 40;
/** Prime to the slots below: positions lie scattered. */
const STRIDE = 7;

export async function randomLayer(ops: Ops, s: LayerShape): Promise<{ layer: DecoderLayer; kv: KVCache }> {
  const { hidden, heads, kvHeads, headDim, intermediate } = s;
  const weight = async (seed: number, rows: number, cols: number) =>
    ops.uploadMatrix(randomMatrix(seed, rows, cols, s.format, s.groupSize).source);
  const vector = (seed: number, n: number, scale = 1) => ops.uploadF32(randomFloats(seed, n, scale), [n]);
  const qkvRows = (heads + 2 * kvHeads) * headDim;
  const slots = MAX_ROWS * MAX_LENGTH;
  const size = { slots, maxRequests: MAX_ROWS, maxLength: MAX_LENGTH };
  const kv = ops.createKVCache(oneLayerCache({ ...size, kvHeads, headDim, dtype: s.kvDtype }));
  const layer: DecoderLayer = {
    inputNorm: vector(1, hidden),
    qkv: { weight: await weight(2, qkvRows, hidden), ...(s.bias ? { bias: vector(3, qkvRows) } : {}) },
    o: { weight: await weight(4, hidden, heads * headDim) },
    postAttentionNorm: vector(5, hidden),
    gateUp: { weight: await weight(6, 2 * intermediate, hidden) },
    down: { weight: await weight(7, hidden, intermediate) },
    headNorms: null,
    eps: 1e-5,
    activation: 'silu',
    rotary: { headDim, rotaryDim: headDim, interleaved: false, table: vectorTable(ops, headDim) },
    attention: {
      heads,
      scale: 1 / Math.sqrt(headDim),
      ...(s.slidingWindow === undefined ? {} : { slidingWindow: s.slidingWindow }),
      ...(s.softcap === undefined ? {} : { softcap: s.softcap }),
    },
    kv: kv.layers[0],
  };
  return { layer, kv };
}

function vectorTable(ops: Ops, headDim: number) {
  const angles = Array.from({ length: (MAX_LENGTH * headDim) / 2 }, (_, i) => {
    const pair = i % (headDim / 2);
    return Math.floor(i / (headDim / 2)) / 10000 ** ((2 * pair) / headDim);
  });
  const rows = Array.from({ length: MAX_LENGTH }, (_, p) => angles.slice((p * headDim) / 2, ((p + 1) * headDim) / 2));
  const table = Float32Array.from(rows.flatMap((row) => [...row.map(Math.cos), ...row.map(Math.sin)]));
  return ops.uploadF32(table, [MAX_LENGTH, headDim]);
}

/** Rows of the KV cache. */
const MAX_ROWS = 6;

/** Token `position` of each of `rows` rows: the layer's input and the step. */
function stepAt(ops: Ops, s: LayerShape, rows: number, position: number, kv: KVCache): { x: Tensor; step: Step } {
  const each = (value: (row: number) => number) => Uint32Array.from({ length: rows }, (_, row) => value(row));
  const slots = [each((row) => ((row * MAX_LENGTH + position) * STRIDE) % (MAX_ROWS * MAX_LENGTH))];
  const batch = { tokenIds: each(() => 0), positions: each(() => position), rows: each((row) => row), slots };
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
export async function decodeLayer(ops: WebGPUOps, s: LayerShape, rows: number, count: number) {
  const { layer, kv } = await randomLayer(ops, s);
  const y: Float32Array[] = [];
  const dispatches: number[] = [];
  for (let p = 0; p < count; p++) {
    const { x, step } = stepAt(ops, s, rows, p, kv);
    const before = ops.context.recorder.dispatches;
    const out = ops.scope(() => runDecoderLayer(ops, x, layer, step));
    dispatches.push(ops.context.recorder.dispatches - before);
    const read = ops.read(out);
    ops.endStep();
    y.push((await read) as Float32Array);
  }
  return { y, dispatches };
}

/** The smallest of the shapes that lavapipe has a kernel for. */
export const smallLayer = {
  name: 'int4, f16 keys',
  ...{ hidden: 128, heads: 4, kvHeads: 2, headDim: 32, intermediate: 192 },
  ...{ format: 'int4', groupSize: 32, kvDtype: 'f16' },
} as const satisfies LayerShape;
