/** Which kernels products take after measuring: with a clock and times of the test's own. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TunedFile, tunedProducts, TUNING_BUDGET } from '../../src/engine/running/tuned-products.ts';
import {
  plain,
  type ProductChoice,
  type ProductChoices,
  type ProductUse,
} from '../../src/kernels/matmul/product-choices.ts';
import { DeviceTuner } from '../../src/kernels/tuning/time-products.ts';
import {
  choicesOf,
  keyOf,
  questionsOf,
  shapeOf,
  tuneProducts,
  type Question,
  type Tuner,
  type UsedMatrix,
} from '../../src/kernels/tuning/tune-products.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import type { MatrixShape } from '../../src/tensor/matrix.ts';
import { emptyBatch, smallCache } from '../helpers/batches.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { nvidia } from '../helpers/matrix-units.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { allCases } from '../kernels/cases/all-cases.ts';
import { matmulCase } from '../kernels/cases/matmul-cases.ts';

const matrix = (rows: number, cols: number): MatrixShape => ({
  ...{ name: 'w', rows, cols, format: 'int4', groupSize: 32 },
});
const [small, large] = [matrix(64, 64), matrix(4096, 64)];

const used = (matrices: readonly MatrixShape[], mostTokens: number): UsedMatrix[] =>
  matrices.map((matrix) => ({ matrix, mostTokens, use: plain }));

const plans: ProductChoice[] = [
  { name: 'matmul.tiled', size: '64x64x32-4x4' },
  { name: 'matmul.tiled', size: '32x32x32-2x4' },
  { name: 'matmul.gemv', size: '1x8' },
];

/** Each question takes so many seconds; the last plan wins for large matrices, the middle one else, the first cannot run. */
class FakeTuner implements Tuner {
  readonly asked: string[] = [];
  seconds = 0;
  readonly #perQuestion: number;

  constructor(perQuestion: number) {
    this.#perQuestion = perQuestion;
  }

  candidates(): ProductChoice[] {
    return plans;
  }

  async time({ matrix: { rows }, tokens }: Question): Promise<number[]> {
    this.asked.push(`${rows} ${tokens}`);
    this.seconds += this.#perQuestion;
    return Promise.resolve([Infinity, 2, rows > 100 ? 1 : 3]);
  }

  now = (): number => this.seconds;
}

t.test('each matrix is asked about once for each number of tokens, what matters most first', async (t) => {
  const questions = questionsOf(used([small, large, { ...small, name: 'another' }], 1024));
  t.equal(questions.length, 2 * 10);
  const inOrder = questions.map(({ matrix: { rows }, tokens }) => [rows, tokens]);
  t.same(inOrder.slice(0, 4), [
    [64, 1],
    [4096, 1],
    [64, 512],
    [4096, 512],
  ]);
  t.same(
    [...new Set(questionsOf(used([small], 48)).map(({ tokens }) => tokens))].sort((a, b) => a - b),
    [1, 2, 4, 8, 16, 32, 64],
  );
});

t.test('the fastest is taken for steps of up to as many tokens, and none where nobody asked', async (t) => {
  const tuner = new FakeTuner(0.1);
  const answers = await tuneProducts(questionsOf(used([small, large], 64)), new Map(), tuner, {
    budget: 10,
    now: tuner.now,
  });
  const choices = choicesOf(answers);
  const { format, rows, cols } = small;
  t.same(choices({ format, rows, cols, tokens: 33, use: plain }), plans[1]);
  t.same(choices({ format, rows: 4096, cols, tokens: 64, use: plain }), plans[2]);
  t.equal(choices({ format, rows: 65, cols, tokens: 64, use: plain }), null, 'another matrix');
  t.equal(choices({ format: 'int8', rows, cols, tokens: 64, use: plain }), null, 'another format');
});

t.test('it stops where another question would not fit the budget', async (t) => {
  const tuner = new FakeTuner(4);
  const answers = await tuneProducts(questionsOf(used([small, large], 1024)), new Map(), tuner, {
    budget: 25,
    now: tuner.now,
  });
  t.equal(tuner.seconds, 24);
  t.equal(answers.size, 6);
});

t.test('answers are kept on disk, and only what is missing is measured', async (t) => {
  process.env['DAWNLIGHT_HOME'] = tempDir(t);
  const said: string[] = [];
  const run = async (tuner: FakeTuner, parts: unknown[], matrices: MatrixShape[]) =>
    tunedProducts(used(matrices, 64), tuner, new TunedFile(parts), {
      say: (line) => void said.push(line),
      now: tuner.now,
    });
  const first = new FakeTuner(1);
  const answers = await run(first, ['a GPU'], [small]);
  t.equal(first.asked.length, 7);
  t.match(said[0], `up to ${TUNING_BUDGET} s`);
  t.match(said[0], '--no-autotune');

  const again = new FakeTuner(1);
  t.same(await run(again, ['a GPU'], [small]), answers);
  t.equal(again.asked.length, 0);
  t.equal(said.length, 1, 'nothing is said where nothing is measured');

  const more = new FakeTuner(1);
  await run(more, ['a GPU'], [small, large]);
  t.ok(
    more.asked.every((asked) => asked.startsWith('4096')),
    'another model on it',
  );

  const other = new FakeTuner(1);
  await run(other, ['a GPU', 'another driver'], [small]);
  t.equal(other.asked.length, 7);

  const folder = join(process.env['DAWNLIGHT_HOME'], 'tuned');
  for (const file of readdirSync(folder))
    writeFileSync(join(folder, file), '{"int4 64x64 1": {"name": "matmul.wrong"}}');
  const spoiled = new FakeTuner(1);
  t.same(await run(spoiled, ['a GPU'], [small]), answers);
  t.equal(spoiled.asked.length, 7, 'a file that says nothing useful');
});

t.test('where the folder cannot be written it is measured again', async (t) => {
  const home = tempDir(t);
  writeFileSync(join(home, 'tuned'), 'a file');
  process.env['DAWNLIGHT_HOME'] = home;
  const tuner = new FakeTuner(1);
  const how = { say: () => {}, now: tuner.now };
  const answers = await tunedProducts(used([small], 8), tuner, new TunedFile([1]), how);
  t.equal(answers.size, 4);
  t.equal(readFileSync(join(home, 'tuned'), 'utf8'), 'a file');
});

t.test('candidates are what the table has for so many tokens, matrix units only where there are some', async (t) => {
  const namesFor = (tokens: number, matrixUnit: typeof nvidia | null): string[] => {
    const ops = new WebGPUOps(dryGpu('gpu', { matrixUnit }));
    return [
      ...new Set(new DeviceTuner(ops).candidates({ matrix: large, tokens, use: plain }).map(({ name }) => name)),
    ].sort();
  };
  t.same(namesFor(1, nvidia), ['matmul.gemv']);
  t.same(namesFor(8, nvidia), ['matmul.gemv', 'matmul.matrix', 'matmul.tiled']);
  t.same(namesFor(512, nvidia), ['matmul.matrix', 'matmul.tiled']);
  t.same(namesFor(512, null), ['matmul.tiled']);
  const ops = new WebGPUOps(dryGpu('gpu', { matrixUnit: nvidia }));
  ops.context.distrust(['matmul.matrix.int4-32-f32']);
  t.notOk(
    new DeviceTuner(ops)
      .candidates({ matrix: large, tokens: 64, use: plain })
      .some(({ name }) => name === 'matmul.matrix'),
  );
});

t.test('a product takes what was chosen, unless it is no longer there or found wrong', async (t) => {
  const kernelOf = async (choice: ProductChoice | null, distrusted: string[] = []): Promise<string> => {
    let kernel = '';
    const gpu = dryGpu('gpu', {}, ({ name }) => (kernel = name));
    const ops = new WebGPUOps(gpu, { productChoices: () => choice });
    ops.context.distrust(distrusted);
    (await matmulCase({ format: 'f16', tokens: 64, rows: 64, cols: 64 }).prepare(ops))();
    return kernel;
  };
  const usual = await kernelOf(null);
  t.match(usual, /^matmul\.tiled\..*-32x32x32-2x4$/);
  t.match(await kernelOf(plans[0]), /^matmul\.tiled\..*-64x64x32-4x4$/);
  t.equal(await kernelOf({ name: 'matmul.tiled', size: 'of another version' }), usual);
  t.match(await kernelOf(plans[0], ['matmul.tiled.f16']), /^matmul\.naive/);
});

const uses: readonly ProductUse[] = [
  { kind: 'fused', hasNorm: true, activation: null },
  { kind: 'fused', hasNorm: true, activation: 'silu' },
  { kind: 'experts', experts: 4, perToken: 2, hasRowEach: false },
  { kind: 'experts', experts: 4, perToken: 2, hasRowEach: true },
  { kind: 'heads', heads: 4 },
];

t.test('what a product is part of is a question of its own', (t) => {
  const questions = questionsOf([plain, ...uses].map((use) => ({ matrix: small, mostTokens: 1, use })));
  t.equal(questions.length, 1 + uses.length);
  const [ofAll] = plans;
  const choices = choicesOf(new Map([[keyOf(shapeOf(questions[2])), ofAll]]));
  t.same(
    questions.map((question) => choices(shapeOf(question)) === ofAll),
    [false, false, true, false, false, false],
  );
  t.end();
});

t.test('products with a gate, with experts and with heads take what was chosen for them', async (t) => {
  const ofGemv: ProductChoice = { name: 'matmul.gemv', size: '2x1x1' };
  const ofTiles: ProductChoice = { name: 'matmul.tiled', size: '64x64x32-4x4' };
  const kernelsOf = async (choices: ProductChoices, run: (ops: WebGPUOps) => Promise<void> | void) => {
    const names: string[] = [];
    const ops = new WebGPUOps(
      dryGpu('gpu', {}, ({ name }) => names.push(name)),
      { productChoices: choices },
    );
    await run(ops);
    return names.join();
  };
  const only =
    (kind: ProductUse['kind'], choice: ProductChoice): ProductChoices =>
    ({ use }) =>
      use.kind === kind ? choice : null;
  const gated = async (ops: WebGPUOps) => {
    const w = await ops.uploadMatrix(randomMatrix(1, 64, 64, 'int4').source);
    const x = ops.uploadF32(new Float32Array(64), [1, 64]);
    const step = ops.beginStep(emptyBatch(1), ops.createKVCache(smallCache));
    ops.program({}, step, (part) => ({ y: part.gatedMul(part.matmul(x, w), 'silu') }));
  };
  t.match(await kernelsOf(() => null, gated), /^matmul\.gemv\.int4-32-f32-1x1x4-gated/);
  t.match(await kernelsOf(only('fused', ofGemv), gated), /^matmul\.gemv\.int4-32-f32-2x1x1-gated/);
  const expertCase = allCases.find(({ name }) => name.startsWith('expertMatmul'))!;
  const experts = async (ops: WebGPUOps) => void (await expertCase.prepare(ops))();
  t.notMatch(await kernelsOf(() => null, experts), '64x64x32-4x4');
  t.match(await kernelsOf(only('experts', ofTiles), experts), /matmul\.tiled\..*64x64x32-4x4.*-experts/);
  const headCase = allCases.find(({ name }) => name.startsWith('headMatmul'))!;
  const heads = async (ops: WebGPUOps) => void (await headCase.prepare(ops))();
  t.match(await kernelsOf(only('heads', ofTiles), heads), /matmul\.tiled\..*64x64x32-4x4-heads/);
});

t.test('on a device', async (t) => {
  const { openGpu } = await import('../../src/gpu/device.ts');
  process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';
  const ops = new WebGPUOps(await openGpu({ validation: true }), { kernelSet: 'gpu' });
  t.teardown(() => ops.destroy());
  const tuner = new DeviceTuner(ops);
  const check = async (question: Question, candidates: readonly ProductChoice[]) => {
    const times = await tuner.time(question, candidates);
    t.equal(times.length, candidates.length);
    t.ok(
      times.every((seconds) => seconds > 0 && seconds < 10),
      `${question.use.kind}: ${times.join()}`,
    );
  };
  const first = (question: Question) => tuner.candidates(question).slice(0, 1);
  const product = { matrix: matrix(40, 64), tokens: 16, use: plain };
  await check(product, [...first(product), { name: 'matmul.naive', size: '' }]);
  for (const use of uses) {
    const question = { matrix: { ...matrix(64, 64), ...(use.kind === 'fused' ? {} : { experts: 4 }) }, tokens: 2, use };
    await check(question, first(question));
  }
  t.equal(ops.context.gpu.failure(), null);
});
