/** Mixture of experts: the choice, products with the chosen, their sum; and what is gated. */
import type { RouteSpec } from '../../../src/kernels/ops.ts';
import type { WeightFormat } from '../../../src/tensor/matrix.ts';
import { randomMatrix } from '../../helpers/matrices.ts';
import { random, randomFloats } from '../../helpers/random.ts';
import { core, f32Bound, type KernelCase } from './case.ts';
import { matmul, throughInt8, unitRows } from './matmul-cases.ts';

type Choice = Omit<RouteSpec, 'bias'> & { readonly biased?: boolean };

const plain: Choice = { k: 2, scores: 'softmax', normalizes: false, scale: 1 };

/** The choice of one token, written apart from src/: [number, weight] from the best on. */
function chosen(logits: readonly number[], bias: Float32Array | null, spec: Choice): [number, number][] {
  const powers = logits.map(Math.exp);
  const all = powers.reduce((a, b) => a + b);
  const scores = powers.map((power) => (spec.scores === 'softmax' ? power / all : power / (1 + power)));
  const experts = scores.map((score, e) => ({ e, score, worth: score + (bias ? bias[e] : 0) }));
  const descending = (a: { worth: number }, b: { worth: number }) => b.worth - a.worth;
  const { count = 1, kept = 1, worth } = spec.groups ?? {};
  const size = logits.length / count;
  const groups = Array.from({ length: count }, (_, g) => {
    const members = experts.slice(g * size, (g + 1) * size);
    const [first, second] = members.toSorted(descending);
    return { members, worth: first.worth + (worth === 'topTwo' ? second.worth : 0) };
  });
  const allowed = groups.sort(descending).slice(0, kept);
  const best = allowed.flatMap(({ members }) => members).sort(descending);
  const taken = best.slice(0, spec.k);
  const sum = spec.normalizes ? taken.reduce((total, { score }) => total + score, 0) : 1;
  return taken.map(({ e, score }) => [e, (score / sum) * spec.scale]);
}

function routeCase(tokens: number, experts: number, spec: Choice): KernelCase {
  const logits = randomFloats(tokens + experts, tokens * experts, 3);
  const bias = spec.biased ? randomFloats(experts + 3, experts, 0.4) : null;
  const { biased: _, ...choice } = spec;
  const { groups } = spec;
  const how = [
    ...[`top ${spec.k}`, spec.scores, spec.normalizes && 'normalized', spec.biased && 'biased'],
    ...[
      spec.scale !== 1 && `times ${spec.scale}`,
      groups && `${groups.kept} of ${groups.count} groups by ${groups.worth}`,
    ],
  ];
  return {
    name: `route [${tokens}, ${experts}] ${how.filter(Boolean).join(', ')}`,
    prepare: async (ops) => {
      const x = ops.uploadF32(logits, [tokens, experts]);
      const full = { ...choice, ...(bias && { bias: ops.uploadF32(bias, [experts]) }) };
      return () => ops.route(x, full);
    },
    expected: () =>
      Array.from({ length: tokens }, (_, t) =>
        chosen([...logits.subarray(t * experts, (t + 1) * experts)], bias, spec).flat(),
      ).flat(),
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

/** Equal logits: the lowest numbers, in order. */
function tiedRouteCase(experts: number): KernelCase {
  return {
    name: `route [2, ${experts}] of equal logits`,
    prepare: async (ops) => {
      const x = ops.uploadF32(new Float32Array(2 * experts).fill(-0.5), [2, experts]);
      return () => ops.route(x, { ...plain, k: 4, normalizes: true });
    },
    expected: () => Array.from({ length: 8 }, (_, i) => [i % 4, 0.25]).flat(),
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

interface ExpertMatmulSpec {
  readonly format: WeightFormat;
  readonly groupSize?: number;
  readonly tokens: number;
  readonly experts: number;
  readonly k: number;
  readonly rows: number;
  readonly cols: number;
  readonly bias?: boolean;
  /** x has a row for each of a token's experts. */
  readonly own?: boolean;
  readonly activations?: 'int8';
}

/** Pairs [T, 2·k] of `experts`, distinct for each token; some experts are chosen by many, some by none. */
function randomRouting(seed: number, tokens: number, experts: number, k: number): Float32Array {
  const next = random(seed);
  const routing = new Float32Array(tokens * 2 * k);
  for (let t = 0; t < tokens; t++) {
    const order = Array.from({ length: experts }, (_, e) => ({ e, at: next() * (e + 1) })).sort((a, b) => a.at - b.at);
    for (let j = 0; j < k; j++) routing.set([order[j].e, next()], (t * k + j) * 2);
  }
  return routing;
}

export function expertMatmulCase(spec: ExpertMatmulSpec): KernelCase {
  const { format, tokens, experts, k, rows, cols, own = false } = spec;
  const int8 = spec.activations === 'int8';
  const matrix = randomMatrix(rows + cols + experts, experts * rows, cols, format, spec.groupSize);
  const inputs = own ? tokens * k : tokens;
  const x = randomFloats(inputs * cols + 7, inputs * cols);
  const unit = unitRows(x, cols);
  const bias = randomFloats(rows + 1, experts * rows);
  const routing = randomRouting(tokens + experts, tokens, experts, k);
  const { groupSize } = matrix.source;
  const suffix = `${spec.bias ? ' + bias' : ''}${own ? ', a row for each' : ''}${int8 ? ', int8 activations' : ''}`;
  return {
    name: `expertMatmul [${tokens}, ${cols}] × ${k} of ${experts} ${format}${groupSize ? `/${groupSize}` : ''} [${rows}, ${cols}]${suffix}`,
    activations: spec.activations ?? 'f32',
    prepare: async (ops) => {
      const w = await ops.uploadMatrix({ ...matrix.source, experts });
      const xs = ops.uploadF32(int8 ? unit : x, [inputs, cols]);
      const ones = ops.uploadF32(new Float32Array(cols).fill(1), [cols]);
      const chosenBy = ops.uploadF32(routing, [tokens, 2 * k]);
      const option = spec.bias ? { bias: ops.uploadF32(bias, [experts, rows]) } : {};
      const input = () => (int8 ? ops.norm(xs, { kind: 'rms', weight: ones, eps: 0 }, { to: w }) : xs);
      return () => ops.expertMatmul(input(), w, chosenBy, option);
    },
    expected: () => {
      const values = int8 ? throughInt8(unit, cols) : Float64Array.from(x);
      const y = new Float64Array(tokens * k * rows);
      for (let pair = 0; pair < tokens * k; pair++) {
        const e = routing[2 * pair];
        const row = own ? pair : Math.floor(pair / k);
        const w = matrix.values.subarray(e * rows * cols, (e + 1) * rows * cols);
        const found = matmul(values.subarray(row * cols, (row + 1) * cols), w, 1, rows, cols);
        y.set(spec.bias ? found.map((v, n) => v + bias[e * rows + n]) : found, pair * rows);
      }
      return y;
    },
    referenceBound: int8 ? { nmse: 1e-6, maxAbs: 0.05 } : f32Bound,
    webgpuBound: int8 ? { nmse: 1e-6, maxAbs: 0.05 } : f32Bound,
  };
}

function combineCase(tokens: number, k: number, columns: number, hasResidual: boolean): KernelCase {
  const y = randomFloats(tokens + columns, tokens * k * columns);
  const routing = randomRouting(columns, tokens, 9, k);
  const residual = randomFloats(columns + 1, tokens * columns);
  return {
    name: `combine [${tokens}·${k}, ${columns}]${hasResidual ? ' + residual' : ''}`,
    prepare: async (ops) => {
      const [ys, weights] = [ops.uploadF32(y, [tokens * k, columns]), ops.uploadF32(routing, [tokens, 2 * k])];
      const added = ops.uploadF32(residual, [tokens, columns]);
      return () => (hasResidual ? ops.combine(ys, weights, added) : ops.combine(ys, weights));
    },
    expected: () =>
      Float64Array.from({ length: tokens * columns }, (_, i) => {
        const [t, n] = [Math.floor(i / columns), i % columns];
        const parts = Array.from({ length: k }, (_, j) => t * k + j);
        const sum = parts.reduce((total, pair) => total + routing[2 * pair + 1] * y[pair * columns + n], 0);
        return sum + (hasResidual ? residual[i] : 0);
      }),
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

function sigmoidGateCase(tokens: number, columns: number, gateColumns: number): KernelCase {
  const x = randomFloats(columns, tokens * columns);
  const gate = randomFloats(columns + 1, tokens * gateColumns, 8);
  return {
    name: `sigmoidGate [${tokens}, ${columns}] by [${tokens}, ${gateColumns}]`,
    prepare: async (ops) => {
      const [xs, gates] = [ops.uploadF32(x, [tokens, columns]), ops.uploadF32(gate, [tokens, gateColumns])];
      return () => ops.sigmoidGate(xs, gates);
    },
    expected: () =>
      Float64Array.from(x, (v, i) => v / (1 + Math.exp(-gate[gateColumns === 1 ? Math.floor(i / columns) : i]))),
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

const deepseekV2: Choice = { ...plain, k: 6, scale: 16, groups: { count: 8, kept: 3, worth: 'max' } };
const deepseekV3: Choice = {
  ...{ k: 8, scores: 'sigmoid', normalizes: true, scale: 2.5, biased: true },
  groups: { count: 8, kept: 4, worth: 'topTwo' },
};

// Few combinations, as for matmul: each is a pipeline.
const few = { tokens: 1, experts: 5, k: 2, rows: 57, cols: 128 };
const many = { tokens: 37, experts: 5, k: 3, rows: 130, cols: 96 };
const formats: readonly (readonly [WeightFormat, number?])[] = [
  ['f32'],
  ['f16'],
  ['bf16'],
  ['int8', 32],
  ['int8', 16],
  ['int4', 32],
];

export const expertCases: readonly KernelCase[] = [
  core(routeCase(3, 8, plain)),
  routeCase(5, 60, { ...plain, k: 4 }),
  routeCase(2, 128, { ...plain, k: 8, normalizes: true }),
  core(routeCase(3, 64, deepseekV2)),
  core(routeCase(3, 130, { ...plain, k: 3, normalizes: true, biased: true })),
  core(routeCase(2, 256, deepseekV3)),
  routeCase(4, 8, { ...plain, scores: 'sigmoid', normalizes: true, biased: true }),
  routeCase(3, 8, { ...plain, k: 1, groups: { count: 4, kept: 2, worth: 'topTwo' } }),
  routeCase(0, 8, plain),
  core(tiedRouteCase(70)),
  tiedRouteCase(5),
  ...formats.flatMap(([format, groupSize]) =>
    [few, many].map((shape) => expertMatmulCase({ format, ...(groupSize && { groupSize }), ...shape })),
  ),
  ...formats
    .slice(3)
    .flatMap(([format, groupSize]) =>
      [few, many].map((shape) =>
        expertMatmulCase({ format, ...(groupSize && { groupSize }), ...shape, own: true, activations: 'int8' }),
      ),
    ),
  expertMatmulCase({ format: 'f32', tokens: 3, experts: 7, k: 2, rows: 9, cols: 61, own: true, bias: true }),
  expertMatmulCase({ format: 'f16', tokens: 9, experts: 3, k: 1, rows: 65, cols: 33, bias: true }),
  expertMatmulCase({ format: 'f32', tokens: 0, experts: 3, k: 2, rows: 64, cols: 64 }),
  // The kernels for real GPUs: few pairs, then tiles; more experts than pairs, and many of one.
  core(expertMatmulCase({ format: 'int4', tokens: 2, experts: 9, k: 3, rows: 70, cols: 96, activations: 'int8' })),
  core(expertMatmulCase({ format: 'f32', tokens: 2, experts: 4, k: 2, rows: 57, cols: 61, own: true, bias: true })),
  core(expertMatmulCase({ format: 'int8', groupSize: 16, tokens: 1, experts: 3, k: 2, rows: 33, cols: 48 })),
  core(expertMatmulCase({ format: 'bf16', tokens: 1, experts: 3, k: 1, rows: 2049, cols: 40 })),
  core(expertMatmulCase({ format: 'f16', tokens: 41, experts: 3, k: 2, rows: 70, cols: 57, own: true, bias: true })),
  core(expertMatmulCase({ format: 'int4', tokens: 50, experts: 5, k: 2, rows: 33, cols: 64, activations: 'int8' })),
  core(expertMatmulCase({ format: 'int8', tokens: 300, experts: 2, k: 1, rows: 40, cols: 32 })),
  core(combineCase(3, 2, 57, true)),
  combineCase(1, 8, 576, false),
  core(sigmoidGateCase(3, 57, 1)),
  core(sigmoidGateCase(2, 65, 65)),
];
