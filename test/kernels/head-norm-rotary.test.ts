/** Norms of heads, rotation and store in one dispatch on GPUs: the bits of the ops one by one, and not for what it does not know. */
import t from 'tap';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import type { HeadNorms, KVDtype, ModelOps, RotarySpec } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import { emptyBatch, kvLayerOf, oneLayerCache } from '../helpers/batches.ts';
import { layerStep, smallLayer } from '../helpers/decoder-layers.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { randomFloats } from '../helpers/random.ts';

process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

interface Case {
  readonly name: string;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly dtype: KVDtype;
  readonly norms?: Pick<HeadNorms, 'kind' | 'over'>;
  /** Weights for each head. */
  readonly perHead?: boolean;
  /** null: no rotation. */
  readonly rotary: Pick<RotarySpec, 'rotaryDim' | 'interleaved'> | null;
  /** Dispatches of both ops as a program. */
  readonly dispatches: 1 | 2;
}

const qwen = {
  heads: 4,
  kvHeads: 2,
  headDim: 128,
  dtype: 'f16',
  rotary: { rotaryDim: 128, interleaved: false },
} as const;
const cases: readonly Case[] = [
  { name: 'as in Qwen3', ...qwen, dispatches: 1 },
  {
    name: 'LayerNorm, neighbours, int8',
    ...qwen,
    dtype: 'int8',
    norms: { kind: 'layer' },
    perHead: true,
    rotary: { rotaryDim: 128, interleaved: true },
    dispatches: 1,
  },
  {
    name: 'a part rotates, int4',
    heads: 3,
    kvHeads: 1,
    headDim: 80,
    dtype: 'int4',
    rotary: { rotaryDim: 20, interleaved: false },
    dispatches: 1,
  },
  { name: 'no rotation', ...qwen, dtype: 'f32', rotary: null, dispatches: 1 },
  { name: 'heads together', ...qwen, norms: { over: 'heads' }, perHead: true, dispatches: 2 },
];

const TOKENS = 5;

t.test('one dispatch', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  for (const each of cases) {
    const wanted = await compute(gpu, each, false);
    const found = await compute(gpu, each, true);
    t.equal(wanted.dispatches, 2, `${each.name}: op by op`);
    t.equal(found.dispatches, each.dispatches, `${each.name}: fused`);
    t.same(found.queries, wanted.queries, `${each.name}: queries`);
    t.same(found.attended, wanted.attended, `${each.name}: what attention reads of the cache`);
  }
  const seen = await compute(gpu, cases[0], true, true);
  t.equal(seen.dispatches, 2, 'not where somebody else reads the normalized heads');
});

t.test('a layer of a decode step is six dispatches, with norms of heads and without', async (t) => {
  for (const headNorms of [false, true]) {
    const ops = new WebGPUOps(
      dryGpu('gpu', {}, () => undefined),
      { kernelSet: 'gpu' },
    );
    const { x, layer, step } = await layerStep(ops, { ...smallLayer, headNorms }, 1);
    const before = ops.context.recorder.dispatches;
    ops.program({}, step, (part) => ({ y: runDecoderLayer(part, x, layer, step) }));
    t.equal(ops.context.recorder.dispatches - before, 6);
  }
});

/** @param isRead whether the normalized heads are a result of the program too */
async function compute(gpu: Gpu, each: Case, fusion: boolean, isRead = false) {
  const { heads, kvHeads, headDim, dtype } = each;
  const ops = new WebGPUOps(gpu, { kernelSet: 'gpu', fusion });
  const kv = ops.createKVCache(oneLayerCache({ slots: 8, kvHeads, headDim, dtype, maxRequests: 1, maxLength: 8 }));
  const layer = kvLayerOf(kv);
  const step = ops.beginStep({ ...emptyBatch(TOKENS), slots: [Uint32Array.of(4, 2, 7, 0, 1)] }, kv);
  const width = (heads + 2 * kvHeads) * headDim;
  const qkv = ops.uploadF32(randomFloats(1, TOKENS * width, 3), [TOKENS, width]);
  const weight = (seed: number, count: number) => {
    const length = each.perHead ? count * headDim : headDim;
    return ops.uploadF32(randomFloats(seed, length, 2), [length]);
  };
  const norms: HeadNorms = { ...each.norms, query: weight(2, heads), key: weight(3, kvHeads) };
  const angles = each.rotary && randomFloats(4, 8 * each.rotary.rotaryDim);
  const rotary = each.rotary &&
    angles && { headDim, ...each.rotary, table: ops.uploadF32(angles, [8, each.rotary.rotaryDim]) };
  const before = ops.context.recorder.dispatches;
  const body = (part: ModelOps) => {
    const normed = part.headNorm(qkv, norms, 1e-5, layer);
    return { queries: part.rotaryStoreKV(normed, rotary, layer, step), ...(isRead && { normed }) };
  };
  const { queries } = ops.program({}, step, body);
  const dispatches = ops.context.recorder.dispatches - before;
  const attended = ops.attention(queries, layer, step, { heads, scale: 0.1 });
  const values = await Promise.all([ops.read(queries), ops.read(attended)]);
  ops.endStep();
  return { dispatches, queries: values[0], attended: values[1] };
}
