/** Ops with a recurrent state: rows of 1, 2, 5 and 37 tokens side by side, states carried over and taken from snapshots. */
import type { Activation, KVCache, Ops, StateLayer, StateRun, Step } from '../../../src/kernels/ops.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { emptyBatch } from '../../helpers/batches.ts';
import { randomFloats } from '../../helpers/random.ts';
import { core, f32Bound, type KernelCase } from './case.ts';

interface Sequence {
  /** Tokens of the step before, whose state this one goes on from. */
  readonly context: number;
  /** Tokens of the step. */
  readonly chunk: number;
  /** Instead of a context of its own: so many of the first sequence's, by a snapshot that it left. */
  readonly branch?: number;
}

const mixed: readonly Sequence[] = [
  { context: 11, chunk: 1 },
  { context: 0, chunk: 37 },
  { context: 3, chunk: 2 },
  { context: 0, chunk: 5, branch: 8 },
  { context: 1, chunk: 5 },
  { context: 0, chunk: 1 },
];

type Part = 'early' | 'late' | 'chunk';

const SNAPSHOT = 4;
const UNREAD = 1;
/** The row that a sequence's context leaves its states in; the next one gets those behind the chunk. */
const rowOf = (s: number): number => 2 * s + (s > 1 ? 1 : 0);

interface StateCase {
  readonly name: string;
  readonly floats: number;
  /** Where the op's part of a row begins; more lies behind it. */
  readonly offset: number;
  /** Columns of the inputs. */
  readonly widths: readonly number[];
  readonly sequences?: readonly Sequence[];
  /** Uploads constants; what it gives records the op over inputs [T, width]. */
  prepare(ops: Ops, layer: StateLayer, offset: number): (inputs: readonly Tensor[], step: Step) => Tensor;
  /** Outputs of the tokens of a whole sequence, in float64, from the rows of its inputs. */
  expected(rows: readonly (readonly number[][])[]): number[][];
}

function stateCase(c: StateCase): KernelCase {
  const sequences = c.sequences ?? mixed;
  const starts = sequences.map((_, s) =>
    sequences.slice(0, s).reduce((n, { context, chunk }) => n + context + chunk, 0),
  );
  const total = sequences.reduce((n, { context, chunk }) => n + context + chunk, 0);
  const inputs = c.widths.map((width, i) => randomFloats(total + i, total * width));
  /** Of each sequence, the tokens of a step: the context comes in two, the second of which writes the row that it reads. */
  const rangeOf = ({ context, chunk }: Sequence, part: Part): [from: number, to: number] => {
    const half = Math.ceil(context / 2);
    return part === 'early' ? [0, half] : part === 'late' ? [half, context] : [context, context + chunk];
  };
  const tokensOf = (part: Part): number[] =>
    sequences.flatMap((sequence, s) => {
      const [from, to] = rangeOf(sequence, part);
      return Array.from({ length: to - from }, (_, i) => starts[s] + from + i);
    });
  /** The first sequence leaves the snapshot. */
  const snapshotAt = sequences.find(({ branch }) => branch)?.branch ?? 0;
  const runsOf = (part: Part): StateRun[] => {
    let first = 0;
    return sequences.flatMap((sequence, s) => {
      const [from, to] = rangeOf(sequence, part);
      const keeps = s === 0 && part !== 'chunk' && snapshotAt > from + 1 && snapshotAt <= to;
      const run = {
        first,
        count: to - from,
        before: sequence.branch !== undefined ? SNAPSHOT : from > 0 ? rowOf(s) : null,
        // It may be run again, and has to find the same states.
        behind: part === 'chunk' ? rowOf(s) + 1 : rowOf(s),
        keeps: keeps
          ? [
              { after: 1, row: UNREAD },
              { after: snapshotAt - from, row: SNAPSHOT },
            ]
          : [],
      };
      first += to - from;
      return to === from ? [] : [run];
    });
  };
  const record = (ops: Ops, kv: KVCache, part: Part, run: ReturnType<StateCase['prepare']>) => {
    const tokens = tokensOf(part);
    const uploaded = inputs.map((data, i) => {
      const width = c.widths[i];
      const rows = tokens.flatMap((token) => [...data.subarray(token * width, (token + 1) * width)]);
      return ops.uploadF32(Float32Array.from(rows), [tokens.length, width]);
    });
    const step = ops.beginStep({ ...emptyBatch(tokens.length), stateRuns: runsOf(part) }, kv);
    return () => run(uploaded, step);
  };
  return {
    name: c.name,
    prepare: async (ops) => {
      const layers = [{ kind: 'state', floats: c.offset + c.floats + 3 } as const];
      const size = { maxRequests: 4, maxLength: 64, stateRows: rowOf(sequences.length) };
      const kv = ops.createKVCache({ layers, groups: [{ slots: 64, window: null }], ...size });
      const run = c.prepare(ops, kv.layers[0] as StateLayer, c.offset);
      for (const part of ['early', 'late'] as const) {
        if (tokensOf(part).length === 0) continue;
        record(ops, kv, part, run)();
        ops.endStep();
      }
      return record(ops, kv, 'chunk', run);
    },
    expected: () =>
      sequences.flatMap(({ context, chunk, branch }, s) => {
        const own = Array.from({ length: context + chunk }, (_, i) => starts[s] + i);
        const tokens = [...Array.from({ length: branch ?? 0 }, (_, i) => starts[0] + i), ...own];
        const rows = inputs.map((data, i) =>
          tokens.map((token) => [...data.subarray(token * c.widths[i], (token + 1) * c.widths[i])]),
        );
        return c.expected(rows).slice(-chunk).flat();
      }),
    referenceBound: f32Bound,
    webgpuBound: { nmse: 1e-11, maxAbs: 1e-4 },
  };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const silu = (x: number): number => x * sigmoid(x);

function shortConvCase(
  channels: number,
  taps: number,
  { gated = false, biased = false, activation }: { gated?: boolean; biased?: boolean; activation?: Activation },
  sequences?: readonly Sequence[],
): KernelCase {
  const from = gated ? 0 : 5;
  const width = gated ? 3 * channels : channels + from + 2;
  const weight = randomFloats(channels, channels * taps);
  const bias = randomFloats(taps, channels);
  const how = [gated && 'gated', biased && 'bias', activation].filter(Boolean).join(', ');
  return stateCase({
    name: `shortConv ${channels} channels, ${taps} taps${how && `, ${how}`}${sequences ? ', alone' : ''}`,
    floats: (taps - 1) * channels,
    offset: 2,
    widths: [width],
    ...(sequences && { sequences }),
    prepare: (ops, layer, offset) => {
      const conv = {
        channels,
        weight: ops.uploadF32(weight, [weight.length]),
        gated,
        ...(biased && { bias: ops.uploadF32(bias, [channels]) }),
        ...(activation && { activation }),
      };
      return ([x], step) => ops.shortConv({ of: x, from }, conv, { layer, offset }, step);
    },
    expected: ([x]) =>
      x.map((row, t) =>
        Array.from({ length: channels }, (_, c) => {
          const input = (p: number) => (p < 0 ? 0 : gated ? x[p][c] * x[p][2 * channels + c] : x[p][from + c]);
          let sum = biased ? bias[c] : 0;
          for (let j = 0; j < taps; j++) sum += weight[c * taps + j] * input(t - taps + 1 + j);
          const value = activation ? silu(sum) : sum;
          return gated ? value * row[channels + c] : value;
        }),
      ),
  });
}

const logOfSum = (x: number): number => Math.log(1 + Math.exp(x));

function deltaRuleCase(
  {
    keyHeads,
    valueHeads,
    keyDim,
    valueDim,
  }: { keyHeads: number; valueHeads: number; keyDim: number; valueDim: number },
  sequences?: readonly Sequence[],
): KernelCase {
  const rate = randomFloats(3, valueHeads).map((v) => -0.5 - Math.abs(v));
  const stepBias = randomFloats(4, valueHeads);
  const gatesFrom = 3;
  const keysAt = keyHeads * keyDim;
  return stateCase({
    name: `deltaRule ${keyHeads} key heads of ${keyDim}, ${valueHeads} value heads of ${valueDim}${sequences ? ', alone' : ''}`,
    floats: valueHeads * keyDim * valueDim,
    offset: 5,
    widths: [2 * keysAt + valueHeads * valueDim, gatesFrom + 2 * valueHeads + 1],
    ...(sequences && { sequences }),
    prepare: (ops, layer, offset) => {
      const vectors = {
        rate: ops.uploadF32(rate, [valueHeads]),
        stepBias: ops.uploadF32(stepBias, [valueHeads]),
      };
      const rule = { keyHeads, valueHeads, keyDim, valueDim, ...vectors };
      return ([qkv, gates], step) => ops.deltaRule(qkv, { of: gates, from: gatesFrom }, rule, { layer, offset }, step);
    },
    // Not by a state: each token's change of it is kept, and each later token recalls all of them, decayed.
    expected: ([qkv, gates]) => {
      const unit = (x: readonly number[]) => {
        const norm = Math.sqrt(x.reduce((n, v) => n + v * v, 1e-6));
        return x.map((v) => v / norm);
      };
      const dot = (a: readonly number[], b: readonly number[]) => a.reduce((n, v, i) => n + v * b[i], 0);
      const out = qkv.map(() => new Array<number>(valueHeads * valueDim).fill(0));
      for (let h = 0; h < valueHeads; h++) {
        const keyHead = Math.floor((h * keyHeads) / valueHeads);
        const q = qkv.map((row) => unit(row.slice(keyHead * keyDim, (keyHead + 1) * keyDim)));
        const k = qkv.map((row) => unit(row.slice(keysAt + keyHead * keyDim, keysAt + (keyHead + 1) * keyDim)));
        const v = qkv.map((row) => row.slice(2 * keysAt + h * valueDim, 2 * keysAt + (h + 1) * valueDim));
        const decays = gates.map((row) => rate[h] * logOfSum(row[gatesFrom + valueHeads + h] + stepBias[h]));
        const between = (s: number, t: number) => Math.exp(decays.slice(s + 1, t + 1).reduce((n, d) => n + d, 0));
        const changes: number[][] = [];
        qkv.forEach((_, t) => {
          const beta = sigmoid(gates[t][gatesFrom + h]);
          const recall = (by: readonly number[]) =>
            v[t].map((_, j) => changes.reduce((n, change, s) => n + between(s, t) * dot(by, k[s]) * change[j], 0));
          const known = recall(k[t]);
          changes.push(v[t].map((value, j) => beta * (value - known[j])));
          recall(q[t]).forEach((value, j) => (out[t][h * valueDim + j] = value / Math.sqrt(keyDim)));
        });
      }
      return out;
    },
  });
}

function selectiveScanCase(
  { heads, headDim, groups, stateSize }: { heads: number; headDim: number; groups: number; stateSize: number },
  stepLimit: readonly [number, number],
  sequences?: readonly Sequence[],
): KernelCase {
  const rate = randomFloats(5, heads).map((v) => -0.3 - Math.abs(v));
  const [stepBias, skip] = [randomFloats(6, heads), randomFloats(7, heads)];
  const from = 2;
  const inner = heads * headDim;
  return stateCase({
    name: `selectiveScan ${heads} heads of ${headDim}, ${groups} groups of ${stateSize}, steps up to ${stepLimit[1]}${sequences ? ', alone' : ''}`,
    floats: heads * headDim * stateSize,
    offset: 1,
    widths: [inner + 2 * groups * stateSize, from + heads],
    ...(sequences && { sequences }),
    prepare: (ops, layer, offset) => {
      const [rates, biases, skips] = [rate, stepBias, skip].map((data) => ops.uploadF32(data, [heads]));
      const vectors = { rate: rates, stepBias: biases, skip: skips };
      const scan = { heads, headDim, groups, stateSize, stepLimit, ...vectors };
      return ([xbc, steps], step) => ops.selectiveScan(xbc, { of: steps, from }, scan, { layer, offset }, step);
    },
    // As attention without softmax: C · B of each earlier token, decayed, times its x.
    expected: ([xbc, steps]) =>
      xbc.map((row, t) =>
        Array.from({ length: inner }, (_, i) => {
          const h = Math.floor(i / headDim);
          const group = Math.floor((h * groups) / heads) * stateSize;
          const B = (s: number) => xbc[s].slice(inner + group, inner + group + stateSize);
          const C = row.slice(inner + groups * stateSize + group).slice(0, stateSize);
          const delta = (s: number) =>
            Math.min(Math.max(logOfSum(steps[s][from + h] + stepBias[h]), stepLimit[0]), stepLimit[1]);
          let sum = skip[h] * row[i];
          let decay = 0;
          for (let s = t; s >= 0; s--) {
            const match = B(s).reduce((n, b, j) => n + b * C[j], 0);
            sum += Math.exp(rate[h] * decay) * match * delta(s) * xbc[s][i];
            decay += delta(s);
          }
          return sum;
        }),
      ),
  });
}

function gatedNormCase(
  tokens: number,
  columns: number,
  over: number,
  weights: number,
  gatesFirst: boolean,
): KernelCase {
  const from = 3;
  const width = columns + from + 1;
  const x = randomFloats(columns, tokens * columns);
  const gate = randomFloats(over, tokens * width, 2);
  const weight = randomFloats(weights, weights);
  const eps = 1e-3;
  return {
    name: `gatedNorm [${tokens}, ${columns}] by ${over}, ${weights} weights, gate ${gatesFirst ? 'in front' : 'behind'}`,
    prepare: async (ops) => {
      const [xs, gates] = [ops.uploadF32(x, [tokens, columns]), ops.uploadF32(gate, [tokens, width])];
      const norm = { weight: ops.uploadF32(weight, [weights]), over, gatesFirst, eps };
      return () => ops.gatedNorm(xs, { of: gates, from }, norm);
    },
    expected: () =>
      Array.from(x, (v, i) => {
        const gateAt = (j: number) => silu(gate[Math.floor(j / columns) * width + from + (j % columns)]);
        const value = (j: number) => x[j] * (gatesFirst ? gateAt(j) : 1);
        const start = i - (i % over);
        let squares = 0;
        for (let j = start; j < start + over; j++) squares += value(j) ** 2;
        const normed = (value(i) / Math.sqrt(squares / over + eps)) * weight[(i % columns) % weights];
        return gatesFirst ? normed : normed * gateAt(i);
      }),
    referenceBound: f32Bound,
    webgpuBound: { nmse: 1e-11, maxAbs: 1e-4 },
  };
}

const one: readonly Sequence[] = [{ context: 0, chunk: 37 }];

export const stateCases: readonly KernelCase[] = [
  core(shortConvCase(70, 3, { gated: true })),
  shortConvCase(70, 3, { gated: true, biased: true }, one),
  core(shortConvCase(37, 4, { biased: true, activation: 'silu' })),
  shortConvCase(1, 2, {}),
  core(deltaRuleCase({ keyHeads: 2, valueHeads: 6, keyDim: 8, valueDim: 20 })),
  deltaRuleCase({ keyHeads: 1, valueHeads: 1, keyDim: 37, valueDim: 70 }),
  deltaRuleCase({ keyHeads: 2, valueHeads: 2, keyDim: 8, valueDim: 20 }, one),
  core(selectiveScanCase({ heads: 6, headDim: 20, groups: 2, stateSize: 8 }, [0, Infinity])),
  selectiveScanCase({ heads: 2, headDim: 70, groups: 1, stateSize: 37 }, [0.2, 0.9]),
  selectiveScanCase({ heads: 2, headDim: 20, groups: 2, stateSize: 8 }, [0, Infinity], one),
  core(gatedNormCase(5, 60, 20, 20, false)),
  gatedNormCase(2, 600, 300, 600, true),
  gatedNormCase(1, 7, 7, 7, true),
];
