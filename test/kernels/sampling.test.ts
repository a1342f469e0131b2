/** Sampling beyond the case table: the reference against the definition, the device's rounding, and distributions. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { uniform } from '../../src/engine/running/random.ts';
import { openGpu } from '../../src/gpu/device.ts';
import type { Ops, SamplingRow } from '../../src/kernels/ops.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { pickTokenReference } from '../../src/kernels/sample/pick-token.reference.ts';
import { adjustReference } from '../../src/kernels/sample/sample.reference.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { emptyBatch, smallCache } from '../helpers/batches.ts';
import { random } from '../helpers/random.ts';
import { distribution, maskOf, randomLogits, randomU, samplingRow } from '../helpers/sampling.ts';

// Most of the time is lavapipe's compiler, where no shader cache has the kernels yet.

t.test('the reference draws from the truncated distribution', async (t) => {
  const settings = fc.record({
    logits: fc.array(
      fc.integer({ min: -12, max: 12 }).map((n) => n / 4),
      { minLength: 1, maxLength: 60 },
    ),
    temperature: fc.constantFrom(0.3, 1, 2),
    topK: fc.constantFrom(-1, 1, 2, 5, 40),
    topP: fc.constantFrom(1, 0.95, 0.5, 0.1, 1e-6),
    minP: fc.constantFrom(0, 0.05, 0.5, 1),
  });
  const draws = 400;
  const check = fc.property(settings, ({ logits, ...rest }) => {
    const row = samplingRow(rest);
    const want = distribution(logits, row);
    // A fine grid of u recovers each probability to within one grid step at each end.
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const id = pickTokenReference(Float32Array.from(logits), { ...row, u: (i + 0.5) / draws });
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const id of counts.keys()) assert.ok(want.has(id), `${id} is cut off`);
    for (const [id, share] of want) {
      assert.ok(Math.abs((counts.get(id) ?? 0) / draws - share) <= 1.001 / draws, `token ${id}`);
    }
  });
  t.doesNotThrow(() => fc.assert(check, { numRuns: 500, seed: 3 }));
  const greedy = samplingRow({ temperature: 0, u: 0.9 });
  t.equal(pickTokenReference(Float32Array.of(1, 3, 3, 2), greedy), 1, 'greedy: lowest id among equals');
  t.equal(pickTokenReference(Float32Array.of(-Infinity, -Infinity), samplingRow()), 0, 'everything forbidden');
});

t.test('bias, penalties and mask of the reference', async (t) => {
  const apply = (changed: Partial<SamplingRow>): number[] => {
    const logits = Float32Array.of(2, -2, 4, 1);
    // Prompt 0, 1; output 1, 1, 2.
    adjustReference(logits, samplingRow(changed), [0, 1, 1, 1, 2]);
    return [...logits];
  };
  const penalties = { promptLength: 2, repetition: 1, presence: 0, frequency: 0 };
  t.same(apply({}), [2, -2, 4, 1], 'nothing asked for');
  t.same(apply({ penalties: { ...penalties, repetition: 2 } }), [1, -4, 2, 1], 'over prompt and output');
  t.same(apply({ penalties: { ...penalties, presence: 0.5 } }), [2, -2.5, 3.5, 1], 'over the output');
  t.same(apply({ penalties: { ...penalties, frequency: 0.5 } }), [2, -3, 3.5, 1], 'by count');
  const bias = new Map([
    [0, 5],
    [3, -100],
    [99, 1],
  ]);
  t.same(apply({ bias }), [7, -2, 4, -99]);
  t.same(apply({ bias, penalties: { ...penalties, repetition: 2 } }), [3.5, -4, 2, -99], 'bias first');
  t.same(apply({ mask: maskOf([1, 3], 4) }), [-Infinity, -2, -Infinity, 1]);
  t.same(apply({ mask: maskOf([1, 3], 4), ignoresLogits: true }), [-Infinity, 0, -Infinity, 0]);
});

/**
 * Where the sum up to a token, or the share of top-p, is this close to u or to top_p, rounding decides (f32 sums on the
 * device, f64 in the reference): docs/kernels.md.
 */
const rounding = 2 ** -16;

const settings: readonly Partial<SamplingRow>[] = [
  {},
  { topK: 50 },
  { topP: 0.9 },
  { topK: 40, topP: 0.95, temperature: 0.8 },
  { minP: 0.05, temperature: 1.3 },
  { topP: 0.99, temperature: 1.7 },
  { topK: 1000, topP: 0.5, minP: 1e-4 },
];

/** All that the reference gives when u and top_p move by no more than rounding. */
function acceptable(logits: Float32Array, row: SamplingRow): Set<number> {
  const near = (value: number): number[] => [value, Math.max(0, value - rounding), value + rounding];
  const tops = row.topP < 1 ? near(row.topP) : [1];
  return new Set(tops.flatMap((topP) => near(row.u).map((u) => pickTokenReference(logits, { ...row, topP, u }))));
}

async function sampleAll(ops: Ops, logits: Float32Array, rows: readonly SamplingRow[]): Promise<Uint32Array> {
  const index = Uint32Array.from(rows, (_, l) => l);
  const batch = { ...emptyBatch(rows.length), tableRows: new Uint32Array(rows.length), logitIndices: index };
  const step = ops.beginStep(batch, ops.createKVCache({ ...smallCache, maxLength: rows.length }));
  const xs = ops.uploadF32(logits, [rows.length, logits.length / rows.length]);
  const ids = await ops.read(ops.sample(xs, step, rows));
  ops.endStep();
  return ids as Uint32Array;
}

for (const kernelSet of ['lavapipe', 'gpu'] as const) {
  t.test(`on the device, ${kernelSet}`, async (t) => {
    const gpu = await openGpu({ validation: true });
    if (kernelSet === 'lavapipe' && gpu.kernelSet !== kernelSet) return t.comment('another adapter');
    const ops = new WebGPUOps(gpu, { kernelSet });
    // Workgroup memory is slow on lavapipe.
    const scale = gpu.kernelSet === 'lavapipe' && kernelSet === 'gpu' ? 0.1 : 1;

    await t.test('the token is the reference’s, or within rounding of it', async (t) => {
      const next = random(11);
      let [draws, equal] = [0, 0];
      for (const [columns, deviation] of [
        [57, 1],
        [8209, 1],
        [8209, 4],
      ]) {
        const rows = Array.from({ length: 140 * scale }, (_, l) =>
          samplingRow({ ...settings[l % settings.length], u: randomU(next) }),
        );
        const logits = randomLogits(columns + deviation, rows.length, columns, deviation);
        const ids = await sampleAll(ops, logits, rows);
        rows.forEach((row, l) => {
          const own = logits.subarray(l * columns, (l + 1) * columns);
          draws++;
          if (ids[l] === pickTokenReference(own, row)) equal++;
          else if (!acceptable(own, row).has(ids[l])) t.fail(`row ${l} of ${columns}: ${ids[l]}`);
        });
      }
      t.ok(equal >= 0.99 * draws, `${equal} of ${draws} are equal`);
    });

    await t.test('draws are distributed as they should be', async (t) => {
      const columns = 57;
      const draws = 4000 * scale;
      const one = randomLogits(2, 1, columns, 1.5);
      const logits = Float32Array.from({ length: draws * columns }, (_, i) => one[i % columns]);
      for (const [s, setting] of settings.entries()) {
        const rows = Array.from({ length: draws }, (_, l) => samplingRow({ ...setting, u: uniform(99, l) }));
        const counts = new Array<number>(columns).fill(0);
        for (const id of await sampleAll(ops, logits, rows)) counts[id]++;
        const want = distribution(one, rows[0]);
        t.ok(
          counts.every((n, id) => n === 0 || want.has(id)),
          'nothing that is cut off',
        );
        // Pearson's chi-square; tokens expected less than five times count together.
        const cells = [...want].map(([id, share]) => ({ seen: counts[id], expected: share * draws }));
        const [rare, frequent] = [false, true].map((big) => cells.filter(({ expected }) => expected >= 5 === big));
        const sum = (key: 'seen' | 'expected'): number => rare.reduce((n, cell) => n + cell[key], 0);
        if (sum('expected') >= 5) frequent.push({ seen: sum('seen'), expected: sum('expected') });
        const chiSquare = frequent.reduce((n, { seen, expected }) => n + (seen - expected) ** 2 / expected, 0);
        const freedom = Math.max(1, frequent.length - 1);
        t.ok(chiSquare < freedom + 4 * Math.sqrt(2 * freedom), `${s}: chi-square ${chiSquare}, ${freedom} degrees`);
      }
    });

    ops.destroy();
  });
}

t.test('ReferenceOps takes the same rows', async (t) => {
  const rows = settings.map((setting) => samplingRow({ ...setting, u: 0.25 }));
  const logits = randomLogits(4, rows.length, 57);
  const ids = await sampleAll(new ReferenceOps(), logits, rows);
  t.same(
    [...ids],
    rows.map((row, l) => pickTokenReference(logits.subarray(l * 57, (l + 1) * 57), row)),
  );
});
