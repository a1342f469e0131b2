/**
 * A row's attention on GPUs is the same bits wherever it is computed: as a single token, alone and beside others, and in the
 * tiles of a prompt, however it is cut; with its context split among workgroups and not.
 */
import t, { type Test } from 'tap';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import { headShape } from '../../src/kernels/attention/head-shape.ts';
import type { AttendedLayer, AttendedLayerSpec, AttentionSpec, KVCache, StepBatch } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { emptyBatch } from '../helpers/batches.ts';
import { randomFloats, shuffled } from '../helpers/random.ts';

process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

/** Positions of the context: three segments and a part, so that it is split where few ask. */
const LENGTH = 437;
/** In each batch of many beside the row, which are enough that no context is split. */
const MANY = 600;

interface Case {
  readonly name: string;
  readonly layer: AttendedLayerSpec;
  readonly spec: Omit<AttentionSpec, 'sinks'>;
  readonly sinks?: readonly number[];
}

const layer = { kind: 'kv', kvHeads: 2, headDim: 16, dtype: 'f16', group: 0 } as const;
const spec = { heads: 6, scale: 0.25 };
const cases: readonly Case[] = [
  { name: 'grouped heads', layer, spec },
  { name: 'a window', layer, spec: { ...spec, slidingWindow: 300 } },
  { name: 'sinks and a window', layer, spec: { ...spec, slidingWindow: 150 }, sinks: [4, 0.5, -4, 2, -30, 1.25] },
  { name: 'a cap', layer: { ...layer, dtype: 'f32' }, spec: { ...spec, softcap: 2 } },
  { name: 'ALiBi, int8', layer: { ...layer, dtype: 'int8' }, spec: { ...spec, alibi: 0.5 } },
  { name: 'int4', layer: { ...layer, dtype: 'int4' }, spec },
  {
    name: 'latents',
    layer: { kind: 'latent', rank: 40, ropeDim: 8, dtype: 'f16', group: 0 },
    spec: { heads: 20, scale: 0.15 },
  },
];

/** One request's keys and values on the device, and what attention gives for some of its positions. */
class Bench {
  readonly ops: WebGPUOps;
  readonly kv: KVCache;
  readonly #case: Case;
  readonly #queries: Float32Array;
  readonly #spec: AttentionSpec;

  constructor(gpu: Gpu, of: Case) {
    this.ops = new WebGPUOps(gpu, { kernelSet: 'gpu' });
    this.#case = of;
    const slots = LENGTH + 3;
    const groups = [{ slots, window: null }];
    this.kv = this.ops.createKVCache({ layers: [of.layer], groups, maxRequests: MANY, maxLength: LENGTH });
    const { keyDim } = headShape(of.layer);
    this.#queries = randomFloats(1, LENGTH * of.spec.heads * keyDim, 2);
    const sinks = of.sinks && this.ops.uploadF32(Float32Array.from(of.sinks), [of.spec.heads]);
    this.#spec = { ...of.spec, ...(sinks && { sinks }) };
    this.#store(shuffled(2, slots).subarray(0, LENGTH));
  }

  /** Random keys and values in those slots, which every request has. */
  #store(slots: Uint32Array): void {
    const { ops, kv } = this;
    const batch = { ...emptyBatch(LENGTH), slots: [slots] };
    const step = ops.beginStep(batch, kv);
    const table = (dim: number) =>
      ops.uploadF32(
        new Float32Array(LENGTH * dim).map((_, i) => (i % dim < dim / 2 ? 1 : 0)),
        [LENGTH, dim],
      );
    const of = kv.layers[0];
    if (of.kind === 'kv') {
      const { headDim, kvHeads } = of;
      const width = (this.#spec.heads + 2 * kvHeads) * headDim;
      const qkv = ops.uploadF32(randomFloats(3, LENGTH * width, 1.5), [LENGTH, width]);
      ops.rotaryStoreKV(qkv, { headDim, rotaryDim: headDim, interleaved: false, table: table(headDim) }, of, step);
    } else if (of.kind === 'latent') {
      const { rank, ropeDim } = of;
      const { heads } = this.#spec;
      const upload = (seed: number, width: number) =>
        ops.uploadF32(randomFloats(seed, LENGTH * width), [LENGTH, width]);
      const queries = { latent: upload(4, heads * rank), rope: upload(5, heads * ropeDim) };
      const norm = { kind: 'rms', weight: ops.uploadF32(randomFloats(6, rank), [rank]), eps: 1e-5 } as const;
      const rotary = { headDim: ropeDim, rotaryDim: ropeDim, interleaved: false, table: table(ropeDim) };
      ops.rotaryStoreLatent(queries, upload(7, rank + ropeDim), norm, rotary, of, step);
    }
    ops.endStep();
    for (let row = 1; row < MANY; row++) ops.writeSlots(kv, 0, row, 0, slots);
  }

  /** Of these tokens, each a request's row and a position: `[T, Hq·Dv]`. */
  async attend(tokens: readonly { row: number; position: number }[]): Promise<Float32Array[]> {
    const { ops, kv } = this;
    const column = (of: (token: (typeof tokens)[number]) => number) => Uint32Array.from(tokens, of);
    const batch: StepBatch = {
      ...emptyBatch(tokens.length),
      positions: column(({ position }) => position),
      tableRows: column(({ row }) => row),
    };
    const { keyDim, valueDim } = headShape(this.#case.layer);
    const width = this.#spec.heads * keyDim;
    const q = new Float32Array(tokens.length * width);
    tokens.forEach(({ position }, i) =>
      q.set(this.#queries.subarray(position * width, (position + 1) * width), i * width),
    );
    const step = ops.beginStep(batch, kv);
    const y = ops.attention(ops.uploadF32(q, [tokens.length, width]), kv.layers[0] as AttendedLayer, step, this.#spec);
    const read = ops.read(y);
    ops.endStep();
    const values = (await read) as Float32Array;
    const each = this.#spec.heads * valueDim;
    return tokens.map((_, i) => values.slice(i * each, (i + 1) * each));
  }
}

const range = (begin: number, end: number, row = 0) =>
  Array.from({ length: end - begin }, (_, i) => ({ row, position: begin + i }));
/** At both ends of segments, and where windows begin in the middle of one. */
const examined = [0, 1, 57, 127, 128, 129, 255, 256, 300, 383, 384, 400, 436];

t.test('attention.flash', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  for (const each of cases) await t.test(each.name, (t) => examine(t, new Bench(gpu, each)));
});

async function examine(t: Test, bench: Bench): Promise<void> {
  const alone: Float32Array[] = [];
  for (const position of examined) alone.push(...(await bench.attend([{ row: 0, position }])));
  const dispatches = await dispatchesOf(bench, () => bench.attend([{ row: 0, position: LENGTH - 1 }]));
  const same = (name: string, found: readonly Float32Array[]) => {
    const isSame = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
    const different = examined.filter((_, i) => !isSame(alone[i], found[i]));
    t.same(different, [], `${name}: positions whose bits differ from those alone`);
  };
  const many = Array.from({ length: MANY }, (_, row) => ({ row, position: examined[row % examined.length] }));
  const unsplit = await dispatchesOf(bench, async () => same('beside many', await bench.attend(many)));
  t.equal(unsplit, 1, 'nothing is joined there');
  t.equal(dispatches, 2, 'one alone is split, and joined');
  const whole = await bench.attend(range(0, LENGTH));
  same(
    'the whole prompt',
    examined.map((position) => whole[position]),
  );
  const chunks: Float32Array[] = [];
  for (const [i, end] of [5, 131, 150, 152, 300, 301, LENGTH].entries()) {
    const begin = chunks.length;
    // A chunk beside another request's token.
    const company = i % 2 === 0 ? [] : [{ row: 7, position: 400 }];
    chunks.push(...(await bench.attend([...range(begin, end), ...company])).slice(0, end - begin));
  }
  same(
    'in chunks',
    examined.map((position) => chunks[position]),
  );
}

async function dispatchesOf({ ops }: Bench, body: () => Promise<unknown>): Promise<number> {
  const before = ops.context.recorder.dispatches;
  await body();
  return ops.context.recorder.dispatches - before;
}
