/** Programs: what a model records, what is run again for later steps, and that both give what running it op by op gives. */
import t from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import { Profiler } from '../../src/gpu/profiler.ts';
import { findDecoderLayer } from '../../src/kernels/decoder-layer/decoder-layer.pattern.ts';
import type { KVCache, ModelOps, Ops, StepBatch } from '../../src/kernels/ops.ts';
import { pooledBytes } from '../../src/kernels/program/lifetimes.ts';
import { record } from '../../src/kernels/program/recording.ts';
import type { WebGPUOpsOptions } from '../../src/kernels/webgpu-context.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import type { CausalLM } from '../../src/model/causal-lm.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { Book, request } from '../helpers/engine-driver.ts';
import { fixturePath, relativeError } from '../helpers/model-exam.ts';

const MAX_LENGTH = 200;
const ROWS = 3;

async function load(ops: Ops, name: string, quant: 'stored' | 'int4'): Promise<CausalLM> {
  const opened = openModel(fixturePath(name));
  const model = await loadModel(ops, opened, { quant, maxLength: MAX_LENGTH });
  opened.close();
  return model;
}

function newCache(ops: Ops, model: CausalLM): KVCache {
  const slots = ROWS * MAX_LENGTH;
  const size = { slots, windowSlots: slots, dtype: 'f32', maxRequests: ROWS, maxLength: MAX_LENGTH } as const;
  return ops.createKVCache(kvCacheSpec(model.caches, size));
}

type Chunk = readonly [row: number, start: number, count?: number];
const slotOf = (row: number, position: number): number => ((row * MAX_LENGTH + position) * 7) % (ROWS * MAX_LENGTH);

function batchOf(model: CausalLM, chunks: readonly Chunk[]): StepBatch {
  const tokens = chunks.flatMap(([row, start, count = 1]) =>
    Array.from({ length: count }, (_, i) => ({ row, position: start + i, isLast: i === count - 1 })),
  );
  const column = (of: (token: (typeof tokens)[number]) => number) => Uint32Array.from(tokens, of);
  const positions = column(({ position }) => position);
  const slots = column(({ row, position }) => slotOf(row, position));
  return {
    tokenIds: column(({ row, position }) => 3 + ((row * 31 + position * 7) % 200)),
    positions,
    tableRows: column(({ row }) => row),
    slots: [slots, slots],
    logitIndices: Uint32Array.from(tokens.flatMap(({ isLast }, i) => (isLast ? [i] : []))),
    ...(model.dynamicRotary && {
      rotaryRows: model.dynamicRotary.rows(
        positions,
        positions.map((p) => p + 1),
      ),
    }),
  };
}

/** A step, or a row that takes over the first positions of another. */
type Part = readonly Chunk[] | { readonly row: number; readonly from: number; readonly count: number };

/** Decode steps of three shapes in turn, other rows and positions each time, prompts between them, contexts that grow. */
const script: readonly Part[] = [
  [
    [0, 0, 5],
    [1, 0, 4],
  ],
  [[0, 5]],
  [
    [0, 6],
    [1, 4],
  ],
  [[1, 5]],
  [
    [1, 6],
    [0, 7],
  ],
  { row: 2, from: 0, count: 6 },
  [[2, 6]],
  [
    [0, 8],
    [1, 7],
    [2, 7],
  ],
  [[1, 8, 3]],
  [
    [2, 8],
    [0, 9],
    [1, 11],
  ],
  [[0, 10]],
  // What is never written is anything.
  [[2, 9, 121]],
  [[2, 130]],
  [[2, 131]],
  [
    [1, 12],
    [2, 132],
  ],
  [[0, 11]],
];
/** Three prompts; one, two and three rows; one and two rows with contexts beyond 128. */
const RECORDED = 3 + 3 + 2;
const steps = script.filter((part) => 'length' in part).length;

/** The logits of every step, and how often the model's code ran. */
async function runScript(ops: WebGPUOps, model: CausalLM): Promise<{ logits: Float32Array; recorded: number }> {
  const kv = newCache(ops, model);
  const layers = model.layers.bind(model);
  let recorded = 0;
  model.layers = (...args) => {
    recorded++;
    return layers(...args);
  };
  const logits: number[] = [];
  for (const part of script) {
    if (!('length' in part)) {
      const slots = Uint32Array.from({ length: part.count }, (_, position) => slotOf(part.from, position));
      kv.spec.groups.forEach((_, group) => ops.writeSlots(kv, group, part.row, 0, slots));
      continue;
    }
    const step = ops.beginStep(batchOf(model, part), kv);
    const read = ops.read(model.forward(ops, step, kv).logits!);
    ops.endStep();
    logits.push(...(await read));
  }
  model.layers = layers;
  return { logits: Float32Array.from(logits), recorded };
}

/** Each with what it needs compiled: fused layers on lavapipe; windows; rotations that come with the step. */
const checkpoints = {
  own: [{ name: 'llama-gguf-mixed', quant: 'int4', activations: 'int8' }],
  gpu: [
    { name: 'mistral-window', quant: 'stored', activations: 'f32' },
    { name: 'llama-dynamic', quant: 'stored', activations: 'f32' },
  ],
} as const;

for (const kernelSet of ['own', 'gpu'] as const) {
  t.test(`later steps without the model’s code, ${kernelSet} kernels`, async (t) => {
    const gpu = await openGpu({ validation: true });
    t.teardown(() => gpu.destroy());
    for (const { name, quant, activations } of checkpoints[kernelSet]) {
      const create = (options: WebGPUOpsOptions) =>
        new WebGPUOps(gpu, { activations, ...(kernelSet === 'gpu' && { kernelSet }), ...options });
      const plain = create({ fusion: false, replay: false });
      const model = await load(plain, name, quant);
      const wanted = await runScript(plain, model);
      t.equal(wanted.recorded, steps);
      const repeating = create({ fusion: false });
      const again = await runScript(repeating, model);
      t.equal(repeating.context.recorder.dispatches, plain.context.recorder.dispatches, `${name}: each is counted`);
      t.equal(again.recorded, RECORDED, `${name}: model code ran for each shape once`);
      t.same(again.logits, wanted.logits, `${name}: the same bits`);
      const fusing = create({ replay: false });
      const fused = await runScript(fusing, model);
      t.ok(fusing.context.recorder.dispatches < plain.context.recorder.dispatches, `${name}: dispatches`);
      t.ok(relativeError(fused.logits, wanted.logits) < 1e-5, `${name}: fused`);
      if (kernelSet === 'gpu') t.same(fused.logits, wanted.logits, `${name}: fused, the same bits`);
      const both = await runScript(create({}), model);
      t.same(both.logits, fused.logits, `${name}: fused, and run again`);
      t.equal(both.recorded, RECORDED);
    }
  });
}

t.test('whose layers are found, whatever their norms of heads, windows and activations', async (t) => {
  const layers: Record<string, number> = { qwen2: 2, qwen3: 2, phi3: 2, 'mistral-window': 2, gpt2: 0, gemma3: 0 };
  const ops = new WebGPUOps(dryGpu('lavapipe'));
  for (const [name, count] of Object.entries(layers)) {
    const model = await load(ops, name, 'stored');
    const kv = newCache(ops, model);
    const step = ops.beginStep(batchOf(model, [[0, 0]]), kv);
    const { nodes } = record(
      () => 'f32',
      (part) => ({ x: model.layers(part, step, kv) }),
    );
    t.equal(nodes.filter((_, at) => findDecoderLayer(nodes, at)).length, count, name);
  }
});

t.test('--no-fusion gives the same text, in more dispatches', async (t) => {
  const config = { ...defaultEngineConfig, modelDir: fixturePath('llama-gguf-mixed'), quant: 'int4' } as const;
  const answer = async (fusion: boolean) => {
    let ops: WebGPUOps | null = null;
    const createOps = (gpu: Gpu, options: WebGPUOpsOptions) => (ops = new WebGPUOps(gpu, options));
    const settings = { ...config, fusion, maxTotalTokenNum: 200, runningMaxReqSize: 2 };
    const { info, runner } = await loadEngine(settings, () => undefined, { createOps });
    const core = new EngineCore({ config: settings, info, runner, checkInvariants: true });
    core.add(request('a', [5, 6, 7], { temperature: 0, maxTokens: 20, ignoreEos: true }));
    const tokens = (await new Book().finishAll(core)).tokens('a');
    const { dispatches } = (ops as unknown as WebGPUOps).context.recorder;
    runner.close();
    return { tokens, dispatches };
  };
  const fused = await answer(true);
  const plain = await answer(false);
  t.equal(fused.tokens?.length, 20);
  t.same(plain.tokens, fused.tokens);
  t.ok(fused.dispatches < plain.dispatches);
});

t.test('on a device', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  const ops = new WebGPUOps(gpu);
  const model = await load(ops, 'llama-tied', 'stored');
  const kv = newCache(ops, model);
  const decode = (on: WebGPUOps, position: number, before = () => {}): Promise<Float32Array> => {
    const step = on.beginStep(batchOf(model, [[0, position]]), kv);
    before();
    const read = on.read(model.forward(on, step, kv).logits!);
    on.endStep();
    return read as Promise<Float32Array>;
  };

  t.test('a step that finds its memory in use is recorded anew', async (t) => {
    const wanted = await decode(ops, 0);
    let held: Tensor | null = null;
    const found = await decode(ops, 0, () => {
      held = ops.context.tensor([1, model.config.hiddenSize], 'f32');
      gpu.device.queue.writeBuffer(held.storage as GPUBuffer, 0, new Float32Array(64).fill(3));
    });
    t.same(found, wanted);
    t.same(await decode(ops, 0), wanted, 'and the one after it too');
  });

  t.test('a profiler sees what is run again', { skip: !gpu.hasTimestamps && 'no timestamps' }, async (t) => {
    const { recorder } = ops.context;
    await decode(ops, 0);
    const profiler = (recorder.profiler = new Profiler(gpu.device));
    const before = recorder.dispatches;
    await decode(ops, 0);
    recorder.profiler = null;
    const seen = (await profiler.collect()).reduce((n, { dispatches }) => n + dispatches, 0);
    t.equal(seen, recorder.dispatches - before);
    t.ok(seen > 5 * model.caches.length);
  });

  t.test('code of somebody’s own runs in every step', async (t) => {
    const counted = new WebGPUOps(gpu);
    await decode(counted, 0);
    let calls = 0;
    counted.attention = (...args) => {
      calls++;
      return WebGPUOps.prototype.attention.apply(counted, args);
    };
    const wanted = await decode(ops, 1);
    for (const expected of [1, 2]) {
      t.same(await decode(counted, 1), wanted);
      t.equal(calls, expected * model.caches.length);
    }
  });

  t.test('sites can be looked at as the model comes to them', async (t) => {
    const seen: string[] = [];
    const sums: Promise<number>[] = [];
    const watching = new WebGPUOps(gpu);
    watching.named = (site, x) => {
      seen.push(site);
      sums.push(watching.read(x).then((values) => (values as Float32Array).reduce((sum, v) => sum + Math.abs(v), 0)));
      return x;
    };
    const wanted = await decode(ops, 2);
    for (let i = 0; i < 2; i++) t.same(await decode(watching, 2), wanted);
    const block = ['attn.hook_z', 'hook_resid_mid', 'mlp.hook_post', 'hook_resid_post'];
    const one = ['hook_embed', ...model.caches.flatMap(() => block), 'ln_final', 'logits'];
    t.same(seen, [...one, ...one]);
    const all = await Promise.all(sums);
    t.same(all.slice(one.length), all.slice(0, one.length));
    t.ok(all.every((sum) => sum > 0));
  });

  t.test('the pool holds what the plan counts', async (t) => {
    const fresh = new WebGPUOps(gpu, { kernelSet: 'gpu', replay: false });
    const gpuModel = await load(fresh, 'llama-tied', 'stored');
    const step = fresh.beginStep(batchOf(gpuModel, [[0, 0, 40]]), kv);
    const before = fresh.context.pool.totalBytes;
    const body = (part: ModelOps) => ({ x: gpuModel.layers(part, step, kv) });
    fresh.program({}, step, body);
    t.equal(fresh.context.pool.totalBytes - before, pooledBytes(record(() => 'f32', body)));
    fresh.endStep();
  });

  t.test('a recording names ops, shapes and sites, and nothing in it has run', async (t) => {
    const step = ops.beginStep(batchOf(model, [[0, 0, 4]]), kv);
    const { recorder } = ops.context;
    const before = recorder.dispatches;
    const recording = record(
      () => 'f32',
      (part) => ({ x: model.layers(part, step, kv) }),
    );
    t.equal(recorder.dispatches, before);
    const layer = 'norm matmul rotaryStoreKV attention matmul norm matmul gatedMul matmul'.split(' ');
    t.same(
      recording.nodes.map(({ op }) => op),
      ['embedding', ...model.caches.flatMap(() => layer)],
    );
    const { hiddenSize } = model.config;
    const z = recording.nodes.find(({ output }) => output.site === 'blocks.1.attn.hook_z');
    t.match(z, { op: 'attention', output: { dtype: 'f32' } });
    t.same(recording.nodes.at(-1)?.output.site, 'blocks.1.hook_resid_post');
    t.same(recording.results.x.shape, [4, hiddenSize]);
    t.throws(() => recording.results.x.storage, /blocks.1.hook_resid_post of a program was looked at before it ran/);
    ops.endStep();
  });
});
