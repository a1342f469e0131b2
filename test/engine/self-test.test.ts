/**
 * The start-up self-test: kernels that give wrong numbers, or that the driver refuses, are replaced before the first step, and
 * where there is no other the start ends. On the kernels for GPUs, by lavapipe.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import { setWgslVariant } from '../../src/gpu/wgsl.ts';
import { smallBatch, smallCache } from '../../src/kernels/self-test/check-program.ts';
import { selfTest } from '../../src/kernels/self-test/self-test.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { recordModel } from '../../src/model/weights/memory-plan.ts';
import { planWeights } from '../../src/model/weights/weight-plan.ts';
import { Book, request } from '../helpers/engine-driver.ts';
import { nvidia } from '../helpers/matrix-units.ts';

// As in test/kernels/webgpu-ops-gpu-kernels.test.ts.
process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/models/${name}`, import.meta.url));

/** What is wrong in a kernel's text. */
function spoil(file: string, from: string, to: string): void {
  const text = readFileSync(new URL(`../../src/kernels/${file}`, import.meta.url), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  setWgslVariant({ file: file.split('/').at(-1)!, text: text.replace(from, to), used: false });
}

const config: EngineConfig = {
  ...defaultEngineConfig,
  modelDir: fixture('llama-tied'),
  ...{ maxTotalTokenNum: 400, runningMaxReqSize: 4, batchMaxTokens: 48, chunkedPrefillSize: 48 },
};

/** A greedy answer, and what the engine said at its start. */
async function answer(): Promise<{ tokens: readonly number[] | undefined; notes: readonly string[] }> {
  const { info, runner } = await loadEngine(config, () => undefined);
  const core = new EngineCore({ config, info, runner });
  const prompt = Array.from({ length: 40 }, (_, i) => 3 + ((i * 7) % 300));
  core.add(request('one', prompt, { temperature: 0, maxTokens: 12, ignoreEos: true }));
  const book = await new Book().finishAll(core);
  await runner.close();
  return { tokens: book.tokens('one'), notes: info.notes ?? [] };
}

t.test('a kernel that is 1 % off is replaced, and the text is right', async (t) => {
  const right = await answer();
  t.same(right.notes, [], 'nothing to say of kernels that are right');
  spoil('matmul/matmul.tiled.wgsl', 'sums[t][r] += dot(x[t], w[r]);', 'sums[t][r] += 1.01 * dot(x[t], w[r]);');
  t.teardown(() => setWgslVariant(null));
  const { tokens, notes } = await answer();
  t.same(tokens, right.tokens);
  t.equal(notes.length, 1);
  t.match(notes[0], /the kernel matmul\.tiled wrong .*matmul: off by .*another takes its place/);
  setWgslVariant(null);
});

/** The self-test of a model alone. */
async function test(name: string, gpu: Gpu, tested?: (op: string) => boolean): Promise<string[]> {
  const ops = new WebGPUOps(gpu, { kernelSet: 'gpu' });
  const opened = openModel(fixture(name));
  const weights = planWeights(opened, 'stored');
  const size = { slots: 64, windowSlots: 64, maxRequests: 2, maxLength: 64, snapshots: 2 };
  const cache = smallCache(kvCacheSpec(opened.architecture.caches(opened.config), { dtype: 'f16', ...size }));
  const how = { batch: smallBatch(cache), activations: 'f32' } as const;
  const { recording, kv, step } = recordModel(opened, weights, how, cache);
  opened.close();
  const nodes = tested ? recording.nodes.filter(({ op }) => tested(op)) : recording.nodes;
  return selfTest(ops, nodes, { kv, step });
}

t.test('a kernel that the driver refuses is replaced, and does not count as a failure of the device', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  spoil('matmul/matmul.gemv.wgsl', 'fn main(', 'fn main(wrong ');
  t.teardown(() => setWgslVariant(null));
  const [line] = await test('llama-tied', gpu, (op) => op === 'matmul');
  t.match(line, /the kernel matmul\.gemv wrong .*WGSL.*another takes its place/);
  t.equal(gpu.failure(), null);
});

t.test('matrix units that multiply wrong are not used', async (t) => {
  const real = await openGpu({ validation: true });
  t.teardown(() => real.destroy());
  const gpu = { ...real, matrixUnit: { ...nvidia, isEmulated: true } };
  t.same(await test('llama-tied', gpu, (op) => op === 'matmul'), [], 'rounding operands is not wrong');
  spoil('matmul/matrix-unit.emulated.wgsl', 'col * right.z]', '(col ^ 1u) * right.z]');
  t.teardown(() => setWgslVariant(null));
  const lines = await test('llama-tied', gpu, (op) => op === 'matmul');
  t.equal(lines.length, 1);
  t.match(lines[0], 'matmul.matrix');
});

t.test('attention by matrix units that is wrong is not used', async (t) => {
  const real = await openGpu({ validation: true });
  t.teardown(() => real.destroy());
  t.teardown(() => setWgslVariant(null));
  const gpu = { ...real, matrixUnit: { ...nvidia, isEmulated: true } };
  const isAttention = (op: string): boolean => op === 'attention';
  for (const name of ['llama-tied', 'gpt_oss']) t.same(await test(name, gpu, isAttention), [], name);
  // Where a product goes wrong, and where only sums that are scaled do.
  spoil('matmul/matrix-unit.emulated.wgsl', 'vec3<u32>(at, 1u, stride)', 'vec3<u32>(at, 2u, stride)');
  t.match(
    (await test('llama-tied', gpu, isAttention)).join(),
    /^The self-test found the kernel attention\.matrix wrong/,
  );
  spoil('attention/attention.matrix.wgsl', '*= factors[row]', '*= 1.0');
  t.match(
    (await test('llama-tied', gpu, isAttention)).join(),
    /^The self-test found the kernel attention\.matrix wrong/,
  );
});

t.test('kernels for several ops that are wrong are not used', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  t.teardown(() => setWgslVariant(null));
  spoil('rotary-embedding/head-norm-rotary.wgsl', 'if (pair < half)', 'if (pair + 1u < half)');
  const [line, ...more] = await test('qwen3', gpu, (op) => ['headNorm', 'rotaryStoreKV', 'attention'].includes(op));
  t.match(line, /the kernel head-norm-rotary wrong .*headNorm, rotaryStoreKV, attention: off by/);
  t.same(more, []);
  spoil('fused-matmul/finish.gated.wgsl', 'vec4<f32>(up)', '1.1 * vec4<f32>(up)');
  const lines = await test('llama-tied', gpu, (op) => ['norm', 'matmul', 'gatedMul'].includes(op));
  t.equal(lines.length, 1);
  t.match(lines[0], 'fused-matmul');
});

t.test('where there is no other kernel the start ends, and says what is wrong', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  spoil('rms-norm/rms.wgsl', 'f32(features) + eps', 'f32(features) + eps + 0.1');
  t.teardown(() => setWgslVariant(null));
  await t.rejects(
    test('llama-tied', gpu, (op) => op === 'norm'),
    { code: 'no_adapter', message: /computes norm wrong/ },
  );
});

t.test("every op of the architectures' programs can be tested", async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  // Experts and their routing, latents, states and convolutions, sinks.
  for (const name of ['gpt_oss', 'deepseek_v3', 'qwen3_next'])
    t.same(await test(name, gpu, (op) => op !== 'matmul'), [], name);
});
