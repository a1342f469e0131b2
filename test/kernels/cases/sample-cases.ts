/** Sampling and log-probabilities; ids have to be equal, so no case puts a draw within rounding of a cut. */
import { NO_TOKEN, type Ops, type SamplingRow, type StepBatch } from '../../../src/kernels/ops.ts';
import { smallCache } from '../../helpers/batches.ts';
import { random } from '../../helpers/random.ts';
import { expectedToken, maskOf, randomLogits, randomU, samplingRow } from '../../helpers/sampling.ts';
import { core, exact, type KernelCase } from './case.ts';

/** Row l's tokens, as if it had computed them all: the last of them gives the logits. */
function tokensOf(l: number, columns: number): number[] {
  return Array.from({ length: 3 + 5 * l }, (_, i) => ((i * i + l) * 7) % columns);
}

/** A decode step of `count` requests, each with the tokens of its row of the slot table. */
function decodeBatch(count: number, columns: number): StepBatch {
  const rows = Uint32Array.from({ length: count }, (_, l) => l);
  const positions = rows.map((l) => tokensOf(l, columns).length - 1);
  return { tokenIds: new Uint32Array(count), positions, tableRows: rows, slots: [rows], logitIndices: rows };
}

function prepareStep(ops: Ops, count: number, columns: number) {
  const kv = ops.createKVCache({ ...smallCache, maxRequests: Math.max(count, 1), maxLength: 128 });
  for (let l = 0; l < Math.min(count, 16); l++) ops.writeTokens(kv, l, Uint32Array.from(tokensOf(l, columns)));
  return { kv, step: ops.beginStep(decodeBatch(count, columns), kv) };
}

export interface SampleCaseOptions {
  /** Logits are rounded to multiples of 1/4: many are equal. */
  readonly ties?: boolean;
  readonly deviation?: number;
}

/** Row l is sampled as `settings[l % settings.length]` says. */
export function sampleCase(
  name: string,
  rows: number,
  columns: number,
  settings: readonly Partial<SamplingRow>[],
  { ties = false, deviation = 2.5 }: SampleCaseOptions = {},
): KernelCase {
  const drawn = randomLogits(rows + columns, rows, columns, deviation);
  const logits = ties ? drawn.map((x) => Math.round(4 * x) / 4) : drawn;
  const next = random(columns);
  const sampling = Array.from({ length: rows }, (_, l) =>
    samplingRow({ u: randomU(next), ...settings[l % settings.length] }),
  );
  return {
    name: `sample ${name} [${rows}, ${columns}]`,
    prepare: async (ops) => {
      const xs = ops.uploadF32(logits, [rows, columns]);
      const { step } = prepareStep(ops, rows, columns);
      return () => ops.sample(xs, step, sampling);
    },
    expected: () =>
      sampling.map((row, l) =>
        expectedToken(logits.subarray(l * columns, (l + 1) * columns), row, tokensOf(l, columns)),
      ),
    referenceBound: exact,
    webgpuBound: exact,
  };
}

/** The second step penalizes what the first one sampled, which the host has not seen. */
const feedbackCase: KernelCase = {
  name: 'sample twice, the second token penalized by the first',
  prepare: async (ops) => {
    const columns = 57;
    const logits = new Float32Array(2 * columns);
    logits.set([9, 8], 20);
    logits.set([9, 8.5], columns + 30);
    const xs = ops.uploadF32(logits, [2, columns]);
    const { kv, step } = prepareStep(ops, 2, columns);
    const penalties = (l: number) => ({
      promptLength: tokensOf(l, columns).length,
      repetition: 1,
      presence: 0.25,
      frequency: 0.5,
    });
    const rows = [0, 1].map((l) => samplingRow({ temperature: 0, penalties: penalties(l) }));
    ops.storeLastTokens(ops.sample(xs, step, rows), step);
    ops.endStep();
    const batch = decodeBatch(2, columns);
    const second = ops.beginStep({ ...batch, positions: batch.positions.map((p) => p + 1) }, kv);
    return () => ops.sample(xs, second, rows);
  },
  // 9 - 0.75 is above 8, and below 8.5.
  expected: () => [20, 31],
  referenceBound: exact,
  webgpuBound: exact,
};

/** As f32, log-probabilities down to about -60. */
const logprobBound = { nmse: 1e-12, maxAbs: 1e-5 };

export function topLogprobsCase(rows: readonly number[], columns: number, width: number, ties = false): KernelCase {
  const count = Math.max(1, ...rows.map((l) => l + 1));
  const drawn = randomLogits(columns, count, columns, 4);
  const logits = ties ? drawn.map(Math.round) : drawn;
  const greedy = Array.from({ length: count }, () =>
    samplingRow({ temperature: 0, mask: maskOf([columns - 1], columns) }),
  );
  return {
    name: `topLogprobs ${width} of rows ${rows.join()} [${count}, ${columns}]${ties ? ' with ties' : ''}`,
    prepare: async (ops) => {
      const xs = ops.uploadF32(logits, [count, columns]);
      const { step } = prepareStep(ops, count, columns);
      return () => ops.topLogprobs(xs, ops.sample(xs, step, greedy), rows, width);
    },
    expected: () =>
      rows.flatMap((l) => {
        const row = [...logits.subarray(l * columns, (l + 1) * columns)];
        const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
        const logSum = max + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
        const order = row.map((logit, id) => ({ id, logit })).sort((a, b) => b.logit - a.logit || a.id - b.id);
        const top = order.slice(0, width).flatMap(({ id, logit }) => [id, logit - logSum]);
        return [row[columns - 1] - logSum, ...top];
      }),
    referenceBound: logprobBound,
    webgpuBound: logprobBound,
  };
}

const columns = 1001;
const thirds = maskOf(
  Array.from({ length: 334 }, (_, i) => 3 * i),
  columns,
);
const penalized = { penalties: { promptLength: 2, repetition: 1.3, presence: 0.4, frequency: 0.7 } };
const biased = {
  bias: new Map([
    [7, 9],
    [1000, 8.5],
    [14, -100],
    [4_000_000, 1],
  ]),
};
const truncated: Partial<SamplingRow>[] = [
  { topK: 50 },
  { topP: 0.9 },
  { minP: 0.02 },
  { topK: 40, topP: 0.8, temperature: 0.7 },
  {},
  { temperature: 0 },
];

/**
 * Rows 1, 2 and 3 hold a NaN, +∞ and many NaN; the others have neighbours like that, and -∞, and are as if alone.
 * @param isMasked what is wrong with row 1 and 2 stands in columns that a mask forbids
 */
function spoiledCase(columns: number, op: 'argmax' | 'sample' | 'topLogprobs', isMasked = false): KernelCase {
  const count = 5;
  const logits = randomLogits(columns, count, columns, 2.5);
  logits[columns + columns - 2] = NaN;
  logits[2 * columns] = Infinity;
  logits.fill(NaN, 3 * columns, 4 * columns - 1);
  logits[4 * columns] = -Infinity;
  const settings = [{ temperature: 0 }, { topK: 5 }, {}, { topP: 0.9 }, { topK: 40, topP: 0.9 }];
  const mask = isMasked ? { mask: maskOf([1, 5, 33], columns), ignoresLogits: false } : {};
  const sampling = settings.map((row, l) => samplingRow({ u: (l + 0.5) / count, ...row, ...mask }));
  const rowOf = (l: number) => logits.subarray(l * columns, (l + 1) * columns);
  const pick = (l: number): number => {
    const row = op === 'sample' ? sampling[l] : samplingRow({ temperature: 0 });
    return l % 4 === 0 ? expectedToken(rowOf(l), row, tokensOf(l, columns)) : NO_TOKEN;
  };
  const logprob = (l: number): number => {
    const exponentials = [...rowOf(l)].reduce((sum, x) => sum + Math.exp(x), 0);
    return l % 4 === 0 ? rowOf(l)[pick(l)] - Math.log(exponentials) : 1;
  };
  return {
    name: `${op} of rows with NaN and infinities [${count}, ${columns}]${isMasked ? ', masked' : ''}`,
    prepare: async (ops) => {
      const xs = ops.uploadF32(logits, [count, columns]);
      const { step } = prepareStep(ops, count, columns);
      return () => {
        if (op === 'argmax') return ops.argmax(xs);
        if (op === 'sample') return ops.sample(xs, step, sampling);
        return ops.topLogprobs(xs, ops.argmax(xs), [0, 1, 2, 3, 4], 0);
      };
    },
    expected: () => [0, 1, 2, 3, 4].map(op === 'topLogprobs' ? logprob : pick),
    referenceBound: op === 'topLogprobs' ? logprobBound : exact,
    webgpuBound: op === 'topLogprobs' ? logprobBound : exact,
  };
}

export const sampleCases: readonly KernelCase[] = [
  sampleCase('one token', 2, 1, [{}, { topK: 1, topP: 0.1 }]),
  sampleCase('few tokens', 6, 3, [{}, { topK: 2 }, { topP: 0.5 }, { topK: 9, topP: 0.999 }]),
  sampleCase('each way to cut', 12, 57, truncated),
  core(sampleCase('each way to cut', 16, columns, truncated)),
  sampleCase('each way to cut', 16, 49157, truncated),
  sampleCase('with ties', 12, columns, truncated, { ties: true }),
  core(
    sampleCase('with ties at the cut', 8, 8193, [{ topK: 3 }, { topK: 700 }, { topP: 0.3 }], {
      ties: true,
      deviation: 0.1,
    }),
  ),
  sampleCase('more candidates than the list holds', 4, 49157, [{ topK: 30000 }, { topP: 0.98, temperature: 2 }]),
  core(
    sampleCase('adjusted', 8, columns, [
      penalized,
      biased,
      { mask: thirds },
      { ...penalized, ...biased, mask: thirds },
    ]),
  ),
  sampleCase(
    'greedy and adjusted',
    8,
    57,
    [penalized, biased, {}].map((s) => ({ ...s, temperature: 0 })),
  ),
  sampleCase('where the mask leaves one, or none', 4, 57, [
    { mask: maskOf([56], 57) },
    { mask: maskOf([], 57) },
    { mask: maskOf([3, 33], 57), ignoresLogits: true },
  ]),
  sampleCase('no rows', 0, 57, [{}]),
  core(feedbackCase),
  core(topLogprobsCase([0, 2], columns, 20)),
  topLogprobsCase([1], 49157, 5),
  ...(['argmax', 'sample', 'topLogprobs'] as const).flatMap((op) => [spoiledCase(57, op), core(spoiledCase(9001, op))]),
  core(spoiledCase(57, 'sample', true)),
  topLogprobsCase([0, 1, 2], 57, 57, true),
  topLogprobsCase([0], 1001, 0),
  topLogprobsCase([], 57, 3),
];
