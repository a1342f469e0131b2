/**
 * matmul.matrix.wgsl and attention.matrix.wgsl: their text with an adapter's matrix units passes Dawn's checks of WGSL and of pipelines (its backend that
 * computes nothing has the feature), and their text with emulated units computes what it should with every block and every
 * tile. No adapter of the tests has such units.
 */
import t from 'tap';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import { createInstance } from '../../src/gpu/instance.ts';
import { chooseMatrixUnit, type MatrixUnit } from '../../src/gpu/matrix-unit.ts';
import { matrixPlans } from '../../src/kernels/matmul/matrix-plan.ts';
import type { ProductChoice } from '../../src/kernels/matmul/product-choices.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { apple, matrixUnit, nvidia } from '../helpers/matrix-units.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { fixturePath, forward, newCache, readOracle, relativeError } from '../helpers/model-exam.ts';
import { dryGpu, dryLimits, type KernelText } from '../helpers/dry-gpu.ts';
import { allCases } from './cases/all-cases.ts';
import { difference, f32Bound, halfBound, within, type KernelCase } from './cases/case.ts';
import { attentionCase, type AttentionCaseSpec } from './cases/attention-cases.ts';
import { matmulCase } from './cases/matmul-cases.ts';

// As in webgpu-ops-gpu-kernels.test.ts.
process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

/** NVIDIA, its others, Intel, AMD with subgroups of 64, Apple. */
const units = [
  nvidia,
  matrixUnit('f16', [16, 8, 16]),
  matrixUnit('f16', [16, 8, 8]),
  matrixUnit('f16', [8, 16, 16]),
  matrixUnit('f16', [16, 16, 16], 64),
  apple,
];
const named = ({ operand, tokens, rows, cols, lanes }: MatrixUnit) =>
  `${operand} ${tokens}x${rows}x${cols}, ${lanes} lanes`;

/** Choices of a set's kernel and one plan for all products. */
const always = (gpu: Gpu, choice: ProductChoice, activations: 'f32' | 'int8' = 'f32') =>
  new WebGPUOps(gpu, { kernelSet: 'gpu', activations, productChoices: () => choice });

const sizesOf = (gpu: Gpu): string[] =>
  matrixPlans(new WebGPUOps(gpu, { kernelSet: 'gpu' }).context).map(({ size }) => size);

t.test('the block that is taken of those that an adapter offers', async (t) => {
  const offer = (componentType: string, resultComponentType: string, [M, N, K]: readonly number[]) => ({
    ...{ componentType, resultComponentType, M, N, K },
  });
  const offered = [
    ...[offer('f16', 'f16', [16, 16, 16]), offer('f16', 'f32', [16, 8, 8]), offer('f16', 'f32', [16, 16, 16])],
    ...[offer('f16', 'f32', [16, 8, 16]), offer('i8', 'i32', [16, 16, 32])],
  ];
  t.same(chooseMatrixUnit(offered, 32, true), nvidia);
  const metal = [offer('f32', 'f32', [8, 8, 8]), offer('f16', 'f16', [8, 8, 8])];
  t.same(chooseMatrixUnit(metal, 32, true), apple, 'sums of f16 overflow');
  t.same(chooseMatrixUnit([offer('f16', 'f32', [8, 16, 16])], 32, true), matrixUnit('f16', [8, 16, 16]));
  t.equal(chooseMatrixUnit([offer('f16', 'f32', [8, 16, 16])], 32, false), null, 'without shader-f16');
  t.equal(chooseMatrixUnit([offer('f16', 'f32', [32, 32, 16])], 32, true), null, 'blocks that tiles are not made of');
});

t.test('adapters with units take the kernel by themselves, and those without do not', async (t) => {
  const kernelsOf = async (unit: MatrixUnit | null): Promise<string> => {
    const names: string[] = [];
    const ops = new WebGPUOps(dryGpu('gpu', { matrixUnit: unit }, ({ name }) => names.push(name)));
    (await matmulCase({ format: 'int4', tokens: 64, rows: 64, cols: 64 }).prepare(ops))();
    return names.join();
  };
  t.match(await kernelsOf(nvidia), /^matmul\.matrix\.int4-32-f32-16x32x64-f16-16x16x16-32$/);
  t.match(await kernelsOf(null), /^matmul\.tiled/);
});

t.test(
  'attention of prompts too, where heads fit; what does not depend on the batch is computed without units',
  async (t) => {
    const kernelsOf = async (unit: MatrixUnit | null, spec: Partial<AttentionCaseSpec>, deterministic = false) => {
      const names: string[] = [];
      const gpu = dryGpu('gpu', { matrixUnit: unit }, ({ name }) => names.push(name));
      const shape = { heads: 4, kvHeads: 2, headDim: 64, sequences: [{ context: 0, chunk: 10 }], ...spec };
      (await attentionCase('', shape).prepare(new WebGPUOps(gpu, { deterministic })))();
      return names.filter((name) => name.startsWith('attention')).join();
    };
    t.match(await kernelsOf(nvidia, {}), /^attention\.matrix\.f32-32x32x64-f16-16x16x16-32$/);
    t.match(await kernelsOf(nvidia, { dtype: 'int8', headDim: 128 }), /^attention\.matrix\.int8-32x32x128-/);
    const short = [{ context: 40, chunk: 8 }];
    for (const [name, kernels] of Object.entries({
      'without units': await kernelsOf(null, {}),
      'few tokens': await kernelsOf(nvidia, { sequences: short }),
      'heads that do not fit': await kernelsOf(nvidia, { headDim: 512 }),
      '--deterministic': await kernelsOf(nvidia, {}, true),
    }))
      t.match(kernels, /^attention\.flash[^,]*$/, name);
    const both = await kernelsOf(nvidia, { sequences: [...short, { context: 0, chunk: 40 }] });
    t.match(both, /^attention\.flash[^,]*,attention\.matrix[^,]*$/, 'each the rows that are its');
  },
);

t.test("Dawn accepts the text with each adapter's units, in every tile, with all operands and results", async (t) => {
  const adapter = await createInstance([
    ...['backend=null', 'enable-dawn-features=allow_unsafe_apis,use_vulkan_memory_model'],
  ]).requestAdapter();
  if (!adapter) throw new Error('no null backend');
  const requiredFeatures = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];
  const device = await adapter.requestDevice({
    requiredFeatures,
    requiredLimits: { maxComputeWorkgroupStorageSize: adapter.limits.maxComputeWorkgroupStorageSize },
  });
  for (const unit of units) {
    const texts = await textsFor(unit);
    t.ok(texts.size > 40, `${named(unit)}: ${texts.size} texts`);
    for (const [name, code] of texts) {
      device.pushErrorScope('validation');
      const module = device.createShaderModule({ code });
      const { messages } = await module.getCompilationInfo();
      device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
      const error = await device.popErrorScope();
      const said = [...messages].map(({ message, lineNum }) => `${lineNum}: ${message}`).join('\n');
      // This backend has WebGPU's least workgroup memory; the largest tiles are for adapters with more.
      const bytes = Number(/total use of workgroup storage \((\d+) bytes\)/.exec(error?.message ?? '')?.[1] ?? NaN);
      if (bytes > 16384 && bytes <= 49152) continue;
      if (error || said) t.fail(`${name}: ${error?.message}\n${said}`);
    }
  }
  device.destroy();
});

/** By name: those of the case table, and one product of each format in every tile. */
async function textsFor(unit: MatrixUnit): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const seen = ({ name, source }: KernelText) =>
    void (/^(matmul|attention)\.matrix/.test(name) && texts.set(name, source));
  // As a large GPU has, so that all tiles fit.
  const limits = { ...dryLimits, maxComputeWorkgroupStorageSize: 49152 };
  const gpu = dryGpu('gpu', { matrixUnit: unit, device: { limits } as unknown as GPUDevice }, seen);
  const own = new Map(
    (['f32', 'int8'] as const).map((activations) => [activations, new WebGPUOps(gpu, { activations })]),
  );
  for (const each of allCases) (await each.prepare(own.get(each.activations ?? 'f32')!))();
  for (const size of sizesOf(gpu))
    for (const format of ['f32', 'f16', 'bf16', 'int8', 'int4'] as const) {
      const product = matmulCase({ format, tokens: 9, rows: 8, cols: 32, residual: true });
      (await product.prepare(always(gpu, { name: 'matmul.matrix', size })))();
    }
  // So many workgroups that the largest tile is taken.
  const many = { heads: 64, kvHeads: 64, headDim: 64, sequences: Array(4).fill({ context: 0, chunk: 64 }) };
  (await attentionCase('many', many).prepare(own.get('f32')!))();
  return texts;
}

t.test('emulated: every block in every tile', async (t) => {
  const real = await openGpu({ validation: true });
  const isExact = (unit: MatrixUnit): boolean => unit.operand === 'f32';
  for (const unit of units) {
    const gpu: Gpu = { ...real, matrixUnit: { ...unit, isEmulated: true } };
    const sizes = sizesOf(gpu);
    t.ok(sizes.length >= 3, `${named(unit)}: tiles ${sizes.join(', ')}`);
    // All tiles of the block that most have, the smallest of the others.
    for (const size of unit === nvidia ? sizes : sizes.slice(-1)) {
      // Two tiles and a half of tokens and of rows, three steps and a half of columns.
      const [tokens, rows, cols] = size.split('-')[0].split('x').map(Number);
      const shape = { tokens: 2 * tokens + 5, rows: 2 * rows + 9, cols: 3 * cols + 16 };
      const product = matmulCase({ format: 'int8', groupSize: 16, ...shape, bias: true, residual: true });
      const reference = new ReferenceOps();
      const wanted = await reference.read((await product.prepare(reference))());
      const ops = always(gpu, { name: 'matmul.matrix', size });
      const found = difference(await ops.read((await product.prepare(ops))()), wanted);
      ops.endStep();
      t.ok(within(found, isExact(unit) ? f32Bound : halfBound), `${size}: nmse ${found.nmse}, max ${found.maxAbs}`);
      if (!isExact(unit)) t.notOk(within(found, f32Bound), `${size}: operands are rounded`);
    }
  }
  real.destroy();
});

t.test('emulated: attention with every block', async (t) => {
  const real = await openGpu({ validation: true });
  const layers: AttentionCaseSpec[] = [
    // Steps whose scores are far above those before; windows that begin within a step; heads that are no whole blocks.
    { heads: 4, kvHeads: 2, headDim: 32, rising: true, sequences: [{ context: 20, chunk: 110 }] },
    { heads: 3, kvHeads: 1, headDim: 20, dtype: 'f16', slidingWindow: 45, sequences: [{ context: 70, chunk: 75 }] },
  ];
  for (const unit of units)
    for (const layer of layers) {
      const gpu: Gpu = { ...real, matrixUnit: { ...unit, isEmulated: true } };
      const ops = new WebGPUOps(gpu, { kernelSet: 'gpu' });
      const { found, kernels } = await compared(ops, attentionCase(named(unit), layer));
      t.match(kernels.join(), /attention\.matrix/);
      const isExact = unit.operand === 'f32';
      t.ok(within(found, isExact ? f32Bound : halfBound), `${kernels.join()}: nmse ${found.nmse}, max ${found.maxAbs}`);
      if (!isExact) t.notOk(within(found, f32Bound), `${named(unit)}: operands are rounded`);
    }
  // More workgroups than keep a GPU busy: the larger tile.
  const many = { heads: 32, kvHeads: 32, headDim: 16, sequences: Array(4).fill({ context: 9, chunk: 70 }) };
  const ops = new WebGPUOps({ ...real, matrixUnit: { ...nvidia, isEmulated: true } }, { kernelSet: 'gpu' });
  const { found, kernels } = await compared(ops, attentionCase('many', many));
  t.match(kernels.join(), /attention\.matrix\.f32-64x/);
  t.ok(within(found, halfBound), `many: nmse ${found.nmse}, max ${found.maxAbs}`);
  real.destroy();
});

/** Against the reference, with the names of the kernels. */
async function compared(ops: WebGPUOps, kernelCase: KernelCase) {
  const reference = new ReferenceOps();
  const wanted = await reference.read((await kernelCase.prepare(reference))());
  const record = await kernelCase.prepare(ops);
  const results: Tensor[] = [];
  const list = ops.context.recorder.capture(() => void results.push(record()));
  const found = difference(await ops.read(results[0]), wanted);
  ops.endStep();
  return { found, kernels: (list?.dispatches ?? []).map(({ kernel }) => kernel.name) };
}

t.test("emulated: models' logits are off by what f16 operands cost", async (t) => {
  const real = await openGpu({ validation: true });
  const ops = new WebGPUOps({ ...real, matrixUnit: { ...nvidia, isEmulated: true } }, { kernelSet: 'gpu' });
  for (const name of ['llama-gguf-mixed', 'mixtral']) {
    const { prompt, logits } = readOracle(name);
    const opened = openModel(fixturePath(name));
    const model = await loadModel(ops, opened, { quant: 'stored', maxLength: 64 });
    opened.close();
    const found = await forward(ops, model, newCache(ops, model, 'f32'), [{ row: 0, start: 0, ids: prompt }]);
    const error = relativeError(found, logits);
    // Of 53 checkpoints the one that is furthest off shows 3.0e-3.
    t.ok(error > 1e-4 && error < 1e-2, `${name}: ${error}`);
  }
  real.destroy();
});
