/** The fused decoder layer against the same layer op by op, with several workgroups that wait for each other. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import type { DecoderLayer, KVCache, Ops } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import type { WeightFormat } from '../../src/tensor/matrix.ts';
import { oneLayerCache } from '../helpers/batches.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { randomFloats } from '../helpers/random.ts';

// Most of the time is lavapipe's compiler, where no shader cache has the kernels yet.

class OpByOp extends WebGPUOps {
  override fusedDecoderLayer(): null {
    return null;
  }
}

interface Shape {
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
  /** Rows with validation, and with production toggles: one token a tile up to two rows, then tiles of four. */
  readonly rows: readonly [readonly number[], readonly number[]];
}

const MAX_LENGTH = 40;
/** Prime to the slots below: positions lie scattered. */
const STRIDE = 7;

async function randomLayer(ops: Ops, s: Shape): Promise<{ layer: DecoderLayer; kv: KVCache }> {
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

/** Outputs of `count` steps of a token of each of `rows` rows, one behind the other, and the dispatches that each took. */
async function decode(ops: WebGPUOps, s: Shape, rows: number, count: number) {
  const { layer, kv } = await randomLayer(ops, s);
  const y: Float32Array[] = [];
  const dispatches: number[] = [];
  for (let p = 0; p < count; p++) {
    const each = (value: (row: number) => number) => Uint32Array.from({ length: rows }, (_, row) => value(row));
    const slot = (row: number) => ((row * MAX_LENGTH + p) * STRIDE) % (MAX_ROWS * MAX_LENGTH);
    const batch = { tokenIds: each(() => 0), positions: each(() => p), rows: each((row) => row), slots: [each(slot)] };
    const step = ops.beginStep({ ...batch, logitIndices: Uint32Array.of(0) }, kv);
    const x = ops.uploadF32(randomFloats(100 + p, rows * s.hidden), [rows, s.hidden]);
    const before = ops.context.recorder.dispatches;
    const out = ops.scope(() => runDecoderLayer(ops, x, layer, step));
    dispatches.push(ops.context.recorder.dispatches - before);
    const read = ops.read(out);
    ops.endStep();
    y.push((await read) as Float32Array);
  }
  return { y, dispatches };
}

const base = { hidden: 128, heads: 4, kvHeads: 2, headDim: 32, intermediate: 192, groupSize: 32 } as const;
const shapes: Shape[] = [
  {
    ...base,
    name: 'int4, f16 keys',
    format: 'int4',
    kvDtype: 'f16',
    rows: [
      [1, 6],
      [1, 2, 4, 6],
    ],
  },
  {
    ...base,
    name: 'int8 in groups of 16, odd blocks, three heads a KV head, bias, window, cap',
    hidden: 192,
    heads: 3,
    kvHeads: 1,
    headDim: 64,
    format: 'int8',
    groupSize: 16,
    kvDtype: 'f32',
    bias: true,
    slidingWindow: 5,
    softcap: 20,
    // A kernel takes lavapipe's compiler half a minute, so each of these once.
    rows: [[1], [6]],
  },
];

for (const validation of [true, false]) {
  t.test(validation ? 'validation and robustness' : 'production toggles', async (t) => {
    const gpu = await openGpu({ validation });
    t.teardown(() => gpu.destroy());
    if (gpu.kernelSet !== 'cpu-adapter') {
      t.pass('this adapter has no fused layer');
      return;
    }
    const options = { activations: 'int8' } as const;
    for (const shape of shapes) {
      for (const rows of shape.rows[validation ? 0 : 1]) {
        const wanted = await decode(new OpByOp(gpu, options), shape, rows, 10);
        const found = await decode(new WebGPUOps(gpu, options), shape, rows, 10);
        const name = `${shape.name}, ${rows} rows`;
        t.same(found.dispatches, Array<number>(10).fill(1), `${name}: every step was fused`);
        for (const [p, y] of found.y.entries()) {
          const most = y.reduce((m, v, i) => Math.max(m, Math.abs(v - wanted.y[p][i])), 0);
          const largest = wanted.y[p].reduce((m, v) => Math.max(m, Math.abs(v)), 0);
          t.ok(most <= 1e-6 * largest, `${name}, position ${p}: ${most} of ${largest}`);
        }
      }
    }
  });
}

t.test('what has no fused form goes op by op', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  const shape: Shape = { ...base, name: 'float weights', format: 'f16', groupSize: 0, kvDtype: 'f16', rows: [[], []] };
  const { dispatches, y } = await decode(new WebGPUOps(gpu, { activations: 'int8' }), shape, 1, 1);
  t.ok(dispatches[0] > 1);
  t.ok(y[0].every(Number.isFinite));
});
