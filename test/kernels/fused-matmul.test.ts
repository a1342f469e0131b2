/**
 * Products with the norm in front and the gate behind on the kernels for GPUs: the bits of the ops one by one, in fewer
 * dispatches, and op by op wherever something is not known.
 */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { findFusedMatmul } from '../../src/kernels/fused-matmul/fused-matmul.pattern.ts';
import type { ConsumerOption, Matrix, ModelOps, NormSpec } from '../../src/kernels/ops.ts';
import { record } from '../../src/kernels/program/recording.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { decodeLayer, layerStep, smallAdapters, smallLayer, type LayerShape } from '../helpers/decoder-layers.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';

process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

/** What a layer takes op by op: two norms, four products, one rotation, one attention (one part of the context), one gate. */
const APART = 9;
const STEPS = 2;

const wide: LayerShape = { ...smallLayer, name: 'more columns than a tile', hidden: 2112, intermediate: 224 };
const exams: readonly (readonly [layer: LayerShape, rows: number, dispatches: number])[] = [
  [wide, 1, 6],
  [wide, 3, 6],
  [wide, 6, 8],
  [{ ...smallLayer, name: 'biases, head norms', format: 'int8', groupSize: 16, activation: 'gelu_tanh' }, 2, 6],
  [
    {
      ...smallLayer,
      name: 'uneven rows',
      format: 'f16',
      groupSize: 0,
      hidden: 136,
      intermediate: 201,
      activation: 'gelu',
    },
    1,
    6,
  ],
  [{ ...smallLayer, name: 'f32', format: 'f32', groupSize: 0, activation: 'relu' }, 4, 6],
];

t.test('the bits of the ops one by one', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  for (const [shape, rows, dispatches] of exams) {
    const layer: LayerShape =
      shape.format === 'int8' ? { ...shape, biases: ['qkv', 'gateUp'], headNorms: true } : shape;
    const run = (fusion: boolean) => decodeLayer(new WebGPUOps(gpu, { kernelSet: 'gpu', fusion }), layer, rows, STEPS);
    const fused = await run(true);
    const apart = await run(false);
    // They go with the rotation where ops are fused.
    const more = layer.headNorms ? 1 : 0;
    t.same(fused.dispatches, Array(STEPS).fill(dispatches), `${layer.name}, ${rows} tokens: dispatches`);
    t.same(apart.dispatches, Array(STEPS).fill(APART + more));
    t.same(fused.y.map(bits), apart.y.map(bits), `${layer.name}, ${rows} tokens: bits`);
  }
});

const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length);

const dry = (options: ConstructorParameters<typeof WebGPUOps>[1] = {}) =>
  new WebGPUOps(dryGpu('gpu'), { kernelSet: 'gpu', ...options });
async function dispatchesOf(ops: WebGPUOps, shape: LayerShape): Promise<number> {
  const { layer, x, step } = await layerStep(ops, shape, 1);
  const before = ops.context.recorder.dispatches;
  ops.program({}, step, (part) => ({ y: runDecoderLayer(part, x, layer, step) }));
  return ops.context.recorder.dispatches - before;
}

t.test('op by op', async (t) => {
  t.equal(await dispatchesOf(dry(), smallLayer), 6);
  t.equal(await dispatchesOf(dry({ fusion: false }), smallLayer), APART, '--no-fusion');
  const naive = { 'matmul of few tokens': 'matmul.naive' } as const;
  t.equal(await dispatchesOf(dry({ variants: naive }), smallLayer), APART, 'where another kernel multiplies');
  t.equal(
    await dispatchesOf(dry({ activations: 'int8' }), smallLayer),
    11,
    'int8 activations: the product of qkv alone has f32',
  );
  const overridden = dry();
  overridden.gatedMul = (...args) => WebGPUOps.prototype.gatedMul.apply(overridden, args);
  t.equal(await dispatchesOf(overridden, smallLayer), 8, 'a gate of somebody’s own: the norm of qkv alone is fused');
  overridden.norm = (...args) => WebGPUOps.prototype.norm.apply(overridden, args);
  t.equal(await dispatchesOf(overridden, smallLayer), APART, 'and a norm of somebody’s own');
  const adapters = { ...smallLayer, adapters: smallAdapters };
  const apart = await dispatchesOf(dry({ fusion: false }), adapters);
  t.equal(await dispatchesOf(dry(), adapters), apart, 'what adapters add comes between');
});

t.test('what is found, and what is not known', (t) => {
  const x: Tensor = { shape: [1, 64], dtype: 'f32', storage: null };
  const weight: Tensor = { shape: [64], dtype: 'f32', storage: null };
  const w: Matrix = { name: 'w', rows: 128, cols: 64, format: 'int4', storage: null };
  const rms: NormSpec = { kind: 'rms', weight, eps: 1e-5 };
  /** What goes to a product with this one is int8. */
  const ofInt8: Matrix = { ...w, name: 'int8' };
  const countOf = (body: (ops: ModelOps) => Tensor): number | null => {
    const { nodes } = record(
      (consumer) => (consumer === ofInt8 ? 'q8' : 'f32'),
      (ops) => ({ y: body(ops) }),
    );
    return findFusedMatmul(nodes, 0)?.count ?? null;
  };
  t.equal(
    countOf((ops) => ops.matmul(ops.norm(x, rms, { to: w }), w)),
    2,
  );
  t.equal(
    countOf((ops) => ops.gatedMul(ops.matmul(x, w, { bias: weight }), 'silu')),
    2,
  );
  t.equal(
    countOf((ops) => ops.gatedMul(ops.matmul(ops.norm(x, rms), w), 'gelu_tanh')),
    3,
  );
  t.equal(
    countOf((ops) => ops.matmul(x, w)),
    null,
    'a product alone',
  );
  t.equal(
    countOf((ops) => ops.gatedMul(ops.matmul(x, w), 'silu', { to: ofInt8 })),
    null,
    'a gate to int8',
  );
  t.equal(
    countOf((ops) => ops.gatedMul(ops.matmul(ops.norm(x, rms), w), 'silu', { to: ofInt8 })),
    2,
    'behind a norm',
  );
  t.equal(
    countOf((ops) => ops.matmul(ops.norm(x, rms, { to: ofInt8 }), ofInt8)),
    null,
    'a norm to int8',
  );
  t.equal(
    countOf((ops) => ops.matmul(ops.norm(x, { kind: 'layer', weight, eps: 0 }), w)),
    null,
    'LayerNorm',
  );
  t.equal(
    countOf((ops) => ops.matmul(ops.norm(x, { ...rms, more: 1 } as NormSpec), w)),
    null,
    'a norm that says more',
  );
  t.equal(
    countOf((ops) => ops.matmul(ops.norm(x, rms, { more: 1 } as ConsumerOption), w)),
    null,
    'an option more',
  );
  t.equal(
    countOf((ops) => ops.matmul(ops.norm(x, rms), w, { residual: x })),
    null,
    'a residual',
  );
  t.equal(
    countOf((ops) => ops.matmul(ops.norm(x, rms), { ...w, experts: 2 })),
    null,
    'experts',
  );
  t.equal(
    countOf((ops) => {
      ops.norm(x, rms);
      return ops.matmul(x, w);
    }),
    null,
    'a norm that is not its input',
  );
  t.equal(
    countOf((ops) => ops.gatedMul(ops.matmul(x, w, { more: 1 } as object), 'silu')),
    null,
    'a product that says more',
  );
  t.equal(
    countOf((ops) => {
      const y = ops.matmul(x, w);
      return ops.gatedMul(x, 'silu', { to: { ...w, rows: y.shape[0] } });
    }),
    null,
    'a gate over something else',
  );
  t.end();
});
