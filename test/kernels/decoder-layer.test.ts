/** The fused decoder layer against the same layer op by op, bit by bit, with several workgroups that wait for each other. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import type { DecoderLayer, Linear } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { decodeLayer, OpByOp, randomLayer, smallLayer, type LayerShape } from '../helpers/decoder-layers.ts';
import { randomFloats } from '../helpers/random.ts';

// Most of the time is lavapipe's compiler, where no shader cache has the kernels yet.

interface Shape extends LayerShape {
  /** Rows with validation, and with production toggles: one token a tile up to two rows, then tiles of four. */
  readonly rows: readonly [readonly number[], readonly number[]];
}

const shapes: Shape[] = [
  {
    ...smallLayer,
    rows: [
      [1, 6],
      [1, 2, 4, 6],
    ],
  },
  {
    ...smallLayer,
    name: 'int8 in groups of 16, odd blocks, three heads a KV head, biases, a part that rotates, window, cap',
    hidden: 192,
    heads: 3,
    kvHeads: 1,
    headDim: 64,
    format: 'int8',
    groupSize: 16,
    kvDtype: 'f32',
    biases: ['qkv', 'o', 'gateUp', 'down'],
    rotaryDim: 44,
    slidingWindow: 5,
    softcap: 20,
    // A kernel takes lavapipe's compiler half a minute, so each of these once.
    rows: [[1], [6]],
  },
  {
    ...smallLayer,
    name: 'norms of heads, GELU, neighbours that rotate by the step, a bias, heads wider than the stream',
    hidden: 64,
    heads: 6,
    kvHeads: 3,
    headNorms: true,
    activation: 'gelu_tanh',
    biases: ['down'],
    rotaryDim: 20,
    interleaved: true,
    dynamic: true,
    rows: [[2], []],
  },
];

for (const validation of [true, false]) {
  t.test(validation ? 'validation and robustness' : 'production toggles', async (t) => {
    const gpu = await openGpu({ validation });
    t.teardown(() => gpu.destroy());
    if (gpu.kernelSet !== 'lavapipe') {
      t.pass('this adapter has no fused layer');
      return;
    }
    const options = { activations: 'int8' } as const;
    for (const shape of shapes) {
      for (const rows of shape.rows[validation ? 0 : 1]) {
        const wanted = await decodeLayer(new OpByOp(gpu, options), shape, rows, 10);
        const found = await decodeLayer(new WebGPUOps(gpu, options), shape, rows, 10);
        const name = `${shape.name}, ${rows} rows`;
        t.same(found.dispatches, Array<number>(10).fill(1), `${name}: every step was fused`);
        for (const [p, y] of found.y.entries()) {
          const most = y.reduce((m, v, i) => Math.max(m, Math.abs(v - wanted.y[p][i])), 0);
          t.equal(most, 0, `${name}, position ${p}: the same numbers`);
        }
      }
    }
  });
}

t.test('a layer with something that the fused kernel does not know goes op by op', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  const ops = new WebGPUOps(gpu, { activations: 'int8' });
  const { layer, kv } = await randomLayer(ops, shapes[0]);
  const zero = Uint32Array.of(0);
  const batch = { tokenIds: zero, positions: zero, rows: zero, slots: [zero], logitIndices: zero };
  const step = ops.beginStep(batch, kv);
  const x = ops.uploadF32(randomFloats(1, smallLayer.hidden), [1, smallLayer.hidden]);
  const weight = ops.uploadF32(randomFloats(2, smallLayer.headDim), [smallLayer.headDim]);
  if (gpu.kernelSet === 'lavapipe') t.not(ops.fusedDecoderLayer(x, layer, step), null, 'the layer itself is fused');
  const norms = { query: weight, key: weight };
  const biased = (linear: Linear) => ({ ...linear, bias: weight });
  const others: Record<string, DecoderLayer> = {
    'more vectors than a kernel binds': {
      ...layer,
      ...{ qkv: biased(layer.qkv), o: biased(layer.o), down: biased(layer.down) },
      headNorms: norms,
    },
    'LayerNorm of heads': { ...layer, headNorms: { ...norms, kind: 'layer' } },
    'a norm of all heads': { ...layer, headNorms: { ...norms, over: 'heads' } },
    'a weight for each head': { ...layer, headNorms: { ...norms, query: layer.inputNorm } },
    'a field of the layer': { ...layer, ...{ sinks: weight } },
    'a field of its rotation': { ...layer, rotary: { ...layer.rotary, ...{ sections: weight } } },
    'a field of its attention': { ...layer, attention: { ...layer.attention, ...{ sinks: weight } } },
    'a field of a product': { ...layer, down: { ...layer.down, ...{ lora: weight } } },
  };
  for (const [what, changed] of Object.entries(others)) t.equal(ops.fusedDecoderLayer(x, changed, step), null, what);
  ops.endStep();
});

t.test('what has no fused form goes op by op', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  const shape: Shape = {
    ...smallLayer,
    name: 'float weights',
    format: 'f16',
    groupSize: 0,
    kvDtype: 'f16',
    rows: [[], []],
  };
  const { dispatches, y } = await decodeLayer(new WebGPUOps(gpu, { activations: 'int8' }), shape, 1, 1);
  t.ok(dispatches[0] > 1);
  t.ok(y[0].every(Number.isFinite));
});
