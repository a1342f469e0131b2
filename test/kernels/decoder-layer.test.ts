/** The fused decoder layer against the same layer op by op, alone and with several workgroups that wait for each other. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { ShareWidth } from '../../src/kernels/decoder-layer/share-width.ts';
import type { DecoderLayer, KVCache, Ops } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer } from '../../src/model/layers.ts';
import type { WeightFormat } from '../../src/tensor/matrix.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { randomFloats } from '../helpers/random.ts';

// Most of the time is lavapipe's compiler, where no shader cache has the kernels yet.
t.setTimeout(900_000);

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
  const spec = { layers: 1, slots: MAX_LENGTH, kvHeads, headDim, maxRequests: 2, maxLength: MAX_LENGTH };
  const kv = ops.createKVCache({ ...spec, dtype: s.kvDtype });
  const layer: DecoderLayer = {
    inputNorm: vector(1, hidden),
    qkv: { weight: await weight(2, qkvRows, hidden), ...(s.bias ? { bias: vector(3, qkvRows) } : {}) },
    o: { weight: await weight(4, hidden, heads * headDim) },
    postAttentionNorm: vector(5, hidden),
    gateUp: { weight: await weight(6, 2 * intermediate, hidden) },
    down: { weight: await weight(7, hidden, intermediate) },
    rmsNormEps: 1e-5,
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

/** Outputs of `count` single-token steps in row 1, one behind the other; and the workgroups that shared each. */
async function decode(ops: WebGPUOps, s: Shape, count: number): Promise<{ y: Float32Array[]; widths: number[] }> {
  const { layer, kv } = await randomLayer(ops, s);
  const y: Float32Array[] = [];
  const widths: number[] = [];
  for (let p = 0; p < count; p++) {
    const one = (value: number) => Uint32Array.of(value);
    const batch = { tokenIds: one(0), positions: one(p), rows: one(1), slots: one((p * STRIDE) % MAX_LENGTH) };
    const step = ops.beginStep({ ...batch, logitIndices: one(0) }, kv);
    const x = ops.uploadF32(randomFloats(100 + p, s.hidden), [1, s.hidden]);
    const out = ops.scope(() => runDecoderLayer(ops, x, layer, step));
    widths.push(ops.context.step.workgroups);
    const read = ops.read(out);
    ops.endStep();
    y.push((await read) as Float32Array);
  }
  return { y, widths };
}

const base = { hidden: 128, heads: 4, kvHeads: 2, headDim: 32, intermediate: 192, groupSize: 32 } as const;
const shapes: Shape[] = [
  { ...base, name: 'int4, f16 keys', format: 'int4', kvDtype: 'f16' },
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
      const wanted = await decode(new OpByOp(gpu, options), shape, 10);
      const found = await decode(new WebGPUOps(gpu, options), shape, 10);
      t.ok(
        found.widths.every((width) => width >= 1),
        `${shape.name}: every step was fused`,
      );
      if (gpu.concurrentWorkgroups > 1)
        t.ok(Math.max(...found.widths) > 1, `${shape.name}: some by several workgroups`);
      for (const [p, y] of found.y.entries()) {
        const most = y.reduce((m, v, i) => Math.max(m, Math.abs(v - wanted.y[p][i])), 0);
        const largest = wanted.y[p].reduce((m, v) => Math.max(m, Math.abs(v)), 0);
        t.ok(most <= 1e-6 * largest, `${shape.name}, position ${p}: ${most} of ${largest}`);
      }
    }
  });
}

t.test('what has no fused form goes op by op', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  const shape: Shape = { ...base, name: 'float weights', format: 'f16', groupSize: 0, kvDtype: 'f16' };
  const { widths, y } = await decode(new WebGPUOps(gpu, { activations: 'int8' }), shape, 1);
  t.same(widths, [0]);
  t.ok(y[0].every(Number.isFinite));
});

t.test('workgroups share a layer only while that is fast', async (t) => {
  const width = new ShareWidth(2);
  const alone = (steps: number) => {
    for (let i = 0; i < steps; i++) {
      t.equal(width.current, 1);
      width.observe(1, 30);
    }
  };
  const together = (times: readonly number[]) => {
    for (const time of times) {
      t.equal(width.current, 2);
      width.observe(2, time);
    }
  };
  const window = (time: number, first = time) => [first, ...Array<number>(15).fill(time)];
  for (const time of [9000, 400, 0.2]) width.observe(1, time);
  alone(4);
  for (let i = 0; i < 40; i++) together(window(18, 70));
  together(window(50));
  alone(64);
  together([900]);
  alone(128);
  together(window(18, 70));
  together(window(50));
  alone(64);
  const single = new ShareWidth(1);
  single.observe(1, 5);
  t.equal(single.current, 1);
});
