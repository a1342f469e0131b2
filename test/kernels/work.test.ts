// Bytes and operations that launchers say for profiles: by hand, and the same from a fused layer as from its ops.
import t from 'tap';
import type { Quantization } from '../../src/config.ts';
import type { Profiler, Work } from '../../src/gpu/profiler.ts';
import { attentionWork } from '../../src/kernels/attention/attention-work.ts';
import { attentionWork as deal } from '../../src/kernels/step/step.ts';
import { productWork } from '../../src/kernels/matmul/product-work.ts';
import type { KVLayer, Matrix, StepBatch } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { moves } from '../../src/kernels/work.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { fixturePath } from '../helpers/model-exam.ts';

const f32 = (...shape: number[]) => ({ shape, dtype: 'f32' as const, storage: null });

t.test('products and element-wise ops', (t) => {
  t.same(moves([f32(2, 8), f32(8), f32(2, 8)], 4), { bytes: 4 * (16 + 8 + 16), flops: 64 });
  const w: Matrix = { name: 'w', rows: 64, cols: 32, format: 'int4', storage: null };
  const weights = (64 * 32) / 2 + 64 * 4;
  t.same(productWork(f32(3, 32), w, 32, 64, undefined), {
    bytes: weights + 3 * 32 * 4 + 3 * 64 * 4,
    flops: 2 * 3 * 64 * 32,
  });
  t.equal(productWork(f32(3, 32), w, 32, 16, undefined).flops, 2 * 3 * 16 * 32, 'a slice of the rows');
  t.end();
});

t.test('attention: pairs of query and key, and each key once', (t) => {
  const layer: KVLayer = { kind: 'kv', kvHeads: 2, headDim: 8, dtype: 'f16', group: 0, storage: null };
  const spec = { heads: 4, scale: 1 };
  const batchOf = (tokens: readonly (readonly [row: number, position: number])[]): { batch: StepBatch } => ({
    batch: {
      tableRows: Uint32Array.from(tokens, ([row]) => row),
      positions: Uint32Array.from(tokens, ([, position]) => position),
    } as StepBatch,
  });
  const slot = 2 * 2 * 8 * 2;
  const query = 4 * 8;
  const decode = batchOf([
    [0, 9],
    [1, 4],
  ]);
  t.same(attentionWork(decode, layer, spec, 'decode'), {
    bytes: 15 * slot + 2 * 2 * query * 4,
    flops: 4 * 15 * query,
  });
  t.same(attentionWork(decode, layer, spec, 'prefill'), { bytes: 0, flops: 0 });
  t.equal(attentionWork(decode, layer, { ...spec, slidingWindow: 4 }, 'decode').flops, 4 * 8 * query);
  const prompt = batchOf([
    [0, 2],
    [0, 3],
    [0, 4],
  ]);
  t.same(attentionWork(prompt, layer, spec, 'prefill'), {
    bytes: 5 * slot + 2 * 3 * query * 4,
    flops: 4 * (3 + 4 + 5) * query,
  });
  t.end();
});

t.test('attention of long rows is dealt in runs as well, that of short rows lies behind theirs', (t) => {
  const rows = [...Array(2).fill(3), ...Array(130).fill(0), 5, ...Array(9).fill(1)] as number[];
  const { tiles, singles, runs, shortTiles, shortSingles } = deal(Uint32Array.from(rows));
  t.same([...runs], [2, 64, 66, 64, 130, 2, 133, 9]);
  t.same([...shortTiles], [0, 2]);
  t.same([...shortSingles], [132]);
  t.same([...tiles.slice(-2)], [0, 2]);
  t.same([...singles], [141, 132]);
  const covered = new Uint8Array(rows.length);
  for (let i = 0; i < tiles.length; i += 2) for (let t = 0; t < tiles[i + 1]; t++) covered[tiles[i] + t]++;
  for (const token of singles) covered[token]++;
  t.ok(
    covered.every((times) => times === 1),
    'each token once',
  );
  t.end();
});

interface Said {
  readonly name: string;
  readonly work: Work | null;
}

interface Run {
  /** A fixture's. */
  readonly name?: string;
  readonly quant?: Quantization;
  /** Tokens in front of each sequence's. */
  readonly positions?: readonly number[];
}

/** What the dispatches of one decode step say, without a device. */
async function decodeStep(
  kernelSet: 'lavapipe' | 'gpu',
  activations: 'int8' | 'f32',
  fusion: boolean,
  { name = 'llama-gguf-mixed', quant = 'int4', positions = [9, 20] }: Run = {},
): Promise<Said[]> {
  const ops = new WebGPUOps(dryGpu(kernelSet), { activations, fusion });
  const opened = openModel(fixturePath(name));
  const model = await loadModel(ops, opened, { quant, maxLength: 64 });
  opened.close();
  const size = { slots: 64, windowSlots: 64, dtype: 'f32', maxRequests: 2, maxLength: 64 } as const;
  const kv = ops.createKVCache(kvCacheSpec(model.caches, size));
  const said: Said[] = [];
  const pass = (name: string, work: (() => Work) | null): object => {
    said.push({ name, work: work?.() ?? null });
    return {};
  };
  ops.context.recorder.profiler = { pass } as unknown as Profiler;
  const step = ops.beginStep(
    {
      tokenIds: Uint32Array.from(positions, (_, i) => 3 + i),
      positions: Uint32Array.from(positions),
      tableRows: Uint32Array.from(positions.keys()),
      slots: kv.spec.groups.map(() => Uint32Array.from(positions, (position, i) => 30 * i + position)),
      logitIndices: Uint32Array.from(positions.keys()),
    },
    kv,
  );
  ops.argmax(model.forward(ops, step, kv).logits!);
  ops.endStep();
  return said;
}

const total = (said: readonly Said[], of: (work: Work) => number): number =>
  said.reduce((sum, { work }) => sum + (work === null ? 0 : of(work)), 0);

t.test('every dispatch of a step says what it does, whichever kernels run', async (t) => {
  for (const [kernelSet, activations] of [
    ['lavapipe', 'int8'],
    ['lavapipe', 'f32'],
    ['gpu', 'f32'],
    ['gpu', 'int8'],
  ] as const) {
    const said = await decodeStep(kernelSet, activations, false);
    t.same(
      said.filter(({ work }) => work === null).map(({ name }) => name),
      [],
      `${kernelSet} ${activations}`,
    );
    t.ok(said.every(({ work }) => work!.bytes > 0));
  }
});

t.test('experts too', async (t) => {
  for (const kernelSet of ['lavapipe', 'gpu'] as const) {
    const said = await decodeStep(kernelSet, 'f32', false, { name: 'qwen3_moe' });
    t.same(
      said.filter(({ work }) => work === null).map(({ name }) => name),
      [],
      kernelSet,
    );
    t.ok(
      said.some(({ name, work }) => /expert/.test(name) && work!.flops > 0),
      said.map(({ name }) => name).join(),
    );
  }
});

t.test('a decode step reads k of n experts', async (t) => {
  // Two layers, hidden size 32, two of eight experts of size 32 for a token, weights of two bytes.
  const chosen = (experts: number): number => 2 * 2 * experts * (2 * 32 * 32 + 32 * 32);
  const values = 2 * 4 * (32 + 2 * 64 + 2 * 32 + 2 * 32);
  for (const kernelSet of ['lavapipe', 'gpu'] as const) {
    for (const [positions, experts] of [
      [[9], 2],
      [[9, 20], 4],
      [[1, 2, 3, 4, 5], 8],
    ] as const) {
      const said = await decodeStep(kernelSet, 'f32', false, { name: 'qwen3_moe', quant: 'stored', positions });
      const products = said.filter(({ name }) => name.includes('expert'));
      const what = `${kernelSet}, ${positions.length} tokens: ${experts} experts at most`;
      t.equal(
        total(products, ({ bytes }) => bytes),
        chosen(experts) + positions.length * values,
        what,
      );
      t.equal(
        total(products, ({ flops }) => flops),
        positions.length * chosen(2),
        'two of them computed for each token',
      );
    }
  }
});

t.test('latent attention reads (rank + rope) of each token in front, whatever the heads', async (t) => {
  for (const kernelSet of ['lavapipe', 'gpu'] as const) {
    const readBytes = async (position: number): Promise<number> => {
      const said = await decodeStep(kernelSet, 'f32', false, {
        name: 'deepseek_v2',
        quant: 'stored',
        positions: [position],
      });
      return total(
        said.filter(({ name }) => name.startsWith('attention')),
        ({ bytes }) => bytes,
      );
    };
    t.equal((await readBytes(30)) - (await readBytes(10)), 20 * 2 * (64 + 8) * 4, kernelSet);
  }
});

t.test('fused products do what the ops do one by one, and move less', async (t) => {
  const [fused, apart] = [await decodeStep('gpu', 'f32', true), await decodeStep('gpu', 'f32', false)];
  t.ok(fused.length < apart.length);
  const flops = ({ flops }: Work) => flops;
  t.equal(total(fused, flops), total(apart, flops));
  const bytes = ({ bytes }: Work) => bytes;
  t.ok(total(fused, bytes) < total(apart, bytes));
});

t.test('a fused layer says what its products and its attention say one by one', async (t) => {
  const [fused, apart] = [await decodeStep('lavapipe', 'int8', true), await decodeStep('lavapipe', 'int8', false)];
  t.ok(fused.length < apart.length);
  const heavy = apart.filter(({ name }) => /^(matmul|attention)/.test(name));
  const ofFused = fused.filter(({ name }) => /^(matmul|attention|decoder-layer)/.test(name));
  t.equal(
    total(ofFused, ({ flops }) => flops),
    total(heavy, ({ flops }) => flops),
  );
  const ratio = total(fused, ({ bytes }) => bytes) / total(apart, ({ bytes }) => bytes);
  t.ok(ratio < 1 && ratio > 0.5, `it moves less: ${ratio}`);
});
