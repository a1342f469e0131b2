/** rotaryStoreKV and attention: rotations, scattered slots, mixed batches, windows, caps, grouped heads. */
import type { KVCache, KVDtype, Ops, StepBatch } from '../../../src/kernels/ops.ts';
import { f16ToF32, f32ToF16 } from '../../../src/tensor/f16.ts';
import { emptyBatch, kvLayerOf, oneLayerCache } from '../../helpers/batches.ts';
import { randomFloats, shuffled } from '../../helpers/random.ts';
import { core, exact, f32Bound, type KernelCase } from './case.ts';

interface Sequence {
  /** Tokens whose keys and values are stored before the step. */
  readonly context: number;
  /** Tokens of the step. */
  readonly chunk: number;
}

export interface AttentionCaseSpec {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly sequences: readonly Sequence[];
  readonly dtype?: KVDtype;
  readonly slidingWindow?: number;
  readonly softcap?: number;
  readonly alibi?: number;
  /** A logit for each head that joins the softmax. */
  readonly sinks?: readonly number[];
  /**
   * Keys from position 64 on are eight times as large, so that scores rise far above the first ones; queries, keys and values
   * are exact in f16.
   */
  readonly rising?: boolean;
  /** The first this many positions of every later sequence are those of the first one (a prefix-cache hit). */
  readonly sharedPrefix?: number;
}

/** Columns of the slot table. */
const MAX_LENGTH = 2048;

/** Where each token of the case lives, and its random query, key and value. */
class Layout {
  readonly spec: AttentionCaseSpec;
  readonly starts: number[] = [];
  readonly total: number;
  readonly slots: Uint32Array;
  readonly width: number;
  readonly qkv: Float32Array;
  /** Heads as they are kept, by where they begin in qkv. */
  readonly #kept = new Map<number, number[]>();

  constructor(spec: AttentionCaseSpec) {
    this.spec = spec;
    let total = 0;
    for (const s of spec.sequences) {
      this.starts.push(total);
      total += s.context + s.chunk;
    }
    this.total = total;
    this.slots = shuffled(total, total + 5);
    this.width = (spec.heads + 2 * spec.kvHeads) * spec.headDim;
    this.qkv = randomFloats(total + spec.headDim, total * this.width, 1.5);
    if (spec.rising) this.#raise();
  }

  #raise(): void {
    const { heads, kvHeads, headDim, sequences } = this.spec;
    this.qkv.forEach((value, i) => (this.qkv[i] = Math.round(value * 32) / 32));
    sequences.forEach(({ context, chunk }, s) => {
      for (let p = 64; p < context + chunk; p++) {
        const first = (this.starts[s] + p) * this.width + heads * headDim;
        for (let i = first; i < first + kvHeads * headDim; i++) this.qkv[i] *= 8;
      }
    });
  }

  /** Index of the token whose key and value position p of sequence s reads. */
  token(s: number, p: number): number {
    return p < (this.spec.sharedPrefix ?? 0) ? p : this.starts[s] + p;
  }

  /** The tokens of all sequences' contexts, or of all their chunks, as a batch. Sequence s runs in row (3·s + 1) mod n. */
  batch(part: 'context' | 'chunk'): { batch: StepBatch; tokens: number[] } {
    const tokens: number[] = [];
    const rows: number[] = [];
    const positions: number[] = [];
    this.spec.sequences.forEach(({ context, chunk }, s) => {
      const [from, to] = part === 'context' ? [0, context] : [context, context + chunk];
      for (let p = from; p < to; p++) {
        if (this.token(s, p) !== this.starts[s] + p) continue;
        tokens.push(this.starts[s] + p);
        rows.push(this.row(s));
        positions.push(p);
      }
    });
    const batch = {
      ...emptyBatch(tokens.length),
      positions: Uint32Array.from(positions),
      tableRows: Uint32Array.from(rows),
      slots: [Uint32Array.from(tokens, (token) => this.slots[token])],
    };
    return { batch, tokens };
  }

  row(s: number): number {
    return this.spec.sequences.length - 1 - s;
  }

  /** qkv rows of some tokens, and the scope of one token's query, keys or values. */
  rowsOf(tokens: readonly number[]): Float32Array {
    const out = new Float32Array(tokens.length * this.width);
    tokens.forEach((token, i) =>
      out.set(this.qkv.subarray(token * this.width, (token + 1) * this.width), i * this.width),
    );
    return out;
  }

  query(token: number, head: number, d: number): number {
    return this.qkv[token * this.width + head * this.spec.headDim + d];
  }

  stored(token: number, part: 'key' | 'value', kvHead: number, d: number): number {
    const { heads, kvHeads, headDim, dtype = 'f32' } = this.spec;
    const first = (part === 'key' ? heads : heads + kvHeads) + kvHead;
    const start = token * this.width + first * headDim;
    let head = this.#kept.get(start);
    if (!head) this.#kept.set(start, (head = kept(this.qkv.subarray(start, start + headDim), dtype, part)));
    return head[d];
  }
}

const half = (x: number) => f16ToF32(f32ToF16(x));

/** What a cache of the dtype gives back for a head, in float64. */
function kept(head: Float32Array, dtype: KVDtype, part: 'key' | 'value'): number[] {
  const x = Array.from(head);
  if (dtype === 'f32') return x;
  if (dtype === 'f16') return x.map(half);
  if (dtype === 'int4' && part === 'value')
    return x.flatMap((_, d) => (d % 8 === 0 ? fourBits(x.slice(d, d + 8)) : []));
  const group = [32, 16, 8, 4].find((n) => x.length % n === 0) ?? 1;
  return x.map((v, d) => {
    const all = x.slice(d - (d % group), d - (d % group) + group);
    const [least, most] = [Math.min(...all), Math.max(...all)];
    const [codes, min] = [255, half(least)];
    const scale = half((most - least) / codes);
    return min + scale * Math.max(0, Math.min(codes, Math.round((v - min) / scale)));
  });
}

/** Eight values by 16 codes: of their range with zero in it, then of the straight line through the points (code, value). */
function fourBits(x: readonly number[]): number[] {
  const [least, most] = [Math.min(0, ...x), Math.max(0, ...x)];
  const code = (v: number, scale: number, zero: number) => Math.max(0, Math.min(15, Math.round(v / scale + zero)));
  const width = (most - least) / 15;
  const codes = x.map((v) => code(v, width, -least / width));
  const mean = (of: readonly number[]) => of.reduce((sum, v) => sum + v, 0) / of.length;
  const [middle, center] = [mean(codes), mean(x)];
  const covariance = mean(x.map((v, i) => (v - center) * (codes[i] - middle)));
  const slope = covariance / mean(codes.map((c) => (c - middle) ** 2));
  const isFitted = least < 0 && most > 0;
  // As an f16, and of that five digits in base 2.
  const kept = half(isFitted ? slope : width);
  const last = 2 ** (Math.floor(Math.log2(kept)) - 4);
  const scale = last * Math.round(kept / last);
  const zero = Math.round(8 * (isFitted ? middle - center / scale : -least / scale)) / 8;
  return x.map((v) => scale * (code(v, scale, zero) - zero));
}

/**
 * Where a value lies between two codes, a rounding error puts it on either: a whole step off, in a few of a hundred thousand
 * that adapters divide less exactly.
 */
const quantizedBound = { int8: { nmse: 1e-6, maxAbs: 0.01 }, int4: { nmse: 2e-5, maxAbs: 0.1 } };

function boundOf<B>(dtype: KVDtype | undefined, otherwise: B): B | (typeof quantizedBound)['int8'] {
  return dtype === 'int8' || dtype === 'int4' ? quantizedBound[dtype] : otherwise;
}

/** As in the ALiBi paper's code: the slopes of n heads, and every other one of those of 2n behind them. */
function slope(h: number, heads: number): number {
  let n = 1;
  while (2 * n <= heads) n *= 2;
  const ofPowerOfTwo = (i: number, count: number) => Math.pow(2, -8 / count) ** (i + 1);
  return h < n ? ofPowerOfTwo(h, n) : ofPowerOfTwo(2 * (h - n), 2 * n);
}

const scaleOf = (spec: AttentionCaseSpec) => 1 / Math.sqrt(spec.headDim);

/** The formula over the layout's tokens, in float64: each query over all the positions it may see. */
function attention(layout: Layout): Float64Array {
  const { spec } = layout;
  const { heads, kvHeads, headDim } = spec;
  const out: number[] = [];
  spec.sequences.forEach(({ context, chunk }, s) => {
    for (let p = context; p < context + chunk; p++) {
      for (let h = 0; h < heads; h++) {
        const kvHead = Math.floor(h / (heads / kvHeads));
        const weights: number[] = [];
        const seen: number[] = [];
        for (let past = 0; past <= p; past++) {
          if (spec.slidingWindow !== undefined && past <= p - spec.slidingWindow) continue;
          let score = 0;
          const token = layout.token(s, past);
          for (let d = 0; d < headDim; d++)
            score += layout.query(layout.starts[s] + p, h, d) * layout.stored(token, 'key', kvHead, d);
          score *= scaleOf(spec);
          if (spec.alibi !== undefined) score -= spec.alibi * slope(h, heads) * (p - past);
          if (spec.softcap !== undefined) score = spec.softcap * Math.tanh(score / spec.softcap);
          weights.push(Math.exp(score));
          seen.push(token);
        }
        const sum = weights.reduce((a, b) => a + b, spec.sinks === undefined ? 0 : Math.exp(spec.sinks[h]));
        for (let d = 0; d < headDim; d++)
          out.push(
            seen.reduce((mix, token, i) => mix + (weights[i] / sum) * layout.stored(token, 'value', kvHead, d), 0),
          );
      }
    }
  });
  return Float64Array.from(out);
}

/** A cache that holds the case, with every context token stored. */
function fill(ops: Ops, layout: Layout, table: ReturnType<Ops['uploadF32']>): KVCache {
  const { spec } = layout;
  const kv = ops.createKVCache(
    oneLayerCache({
      slots: layout.slots.length,
      kvHeads: spec.kvHeads,
      headDim: spec.headDim,
      dtype: spec.dtype ?? 'f32',
      maxRequests: spec.sequences.length,
      maxLength: MAX_LENGTH,
    }),
  );
  const { batch, tokens } = layout.batch('context');
  if (tokens.length > 0) {
    const qkv = ops.uploadF32(layout.rowsOf(tokens), [tokens.length, layout.width]);
    const rotary = { headDim: spec.headDim, rotaryDim: spec.headDim, interleaved: false, table };
    ops.rotaryStoreKV(qkv, rotary, kvLayerOf(kv), ops.beginStep(batch, kv));
    ops.endStep();
  }
  if (spec.sharedPrefix)
    for (let s = 1; s < spec.sequences.length; s++)
      ops.writeSlots(kv, 0, layout.row(s), 0, layout.slots.slice(0, spec.sharedPrefix));
  return kv;
}

export function attentionCase(name: string, spec: AttentionCaseSpec): KernelCase {
  const layout = new Layout(spec);
  const { heads, kvHeads, headDim } = spec;
  return {
    name: `attention ${name}: ${heads}/${kvHeads} heads of ${headDim}${spec.dtype ? `, ${spec.dtype} cache` : ''}`,
    prepare: async (ops) => {
      const noRotation = new Float32Array(MAX_LENGTH * headDim).map((_, i) => (i % headDim < headDim / 2 ? 1 : 0));
      const table = ops.uploadF32(noRotation, [MAX_LENGTH, headDim]);
      const kv = fill(ops, layout, table);
      const { batch, tokens } = layout.batch('chunk');
      const qkv = ops.uploadF32(layout.rowsOf(tokens), [tokens.length, layout.width]);
      const step = ops.beginStep(batch, kv);
      const rotary = { headDim, rotaryDim: headDim, interleaved: false, table };
      const q = ops.rotaryStoreKV(qkv, rotary, kvLayerOf(kv), step);
      const window = spec.slidingWindow === undefined ? {} : { slidingWindow: spec.slidingWindow };
      const cap = spec.softcap === undefined ? {} : { softcap: spec.softcap };
      const alibi = spec.alibi === undefined ? {} : { alibi: spec.alibi };
      const sinks = spec.sinks === undefined ? {} : { sinks: ops.uploadF32(Float32Array.from(spec.sinks), [heads]) };
      const how = { heads, scale: scaleOf(spec), ...window, ...cap, ...alibi, ...sinks };
      return () => ops.attention(q, kvLayerOf(kv), step, how);
    },
    expected: () => attention(layout),
    referenceBound: boundOf(spec.dtype, f32Bound),
    webgpuBound: boundOf(spec.dtype, { nmse: 1e-10, maxAbs: 1e-4 }),
  };
}

interface RotaryCaseSpec {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rotaryDim: number;
  readonly interleaved: boolean;
  readonly positions: readonly number[];
}

const angle = (position: number, pair: number, rotaryDim: number) => position * 100 ** ((-2 * pair) / rotaryDim);

/** The rotation as a complex product, one pair at a time. */
function rotated(head: ArrayLike<number>, position: number, spec: RotaryCaseSpec): number[] {
  const out = Array.from(head);
  for (let i = 0; i < spec.rotaryDim / 2; i++) {
    const [re, im] = spec.interleaved ? [2 * i, 2 * i + 1] : [i, i + spec.rotaryDim / 2];
    const radius = Math.hypot(head[re], head[im]);
    const phase = Math.atan2(head[im], head[re]) + angle(position, i, spec.rotaryDim);
    out[re] = radius * Math.cos(phase);
    out[im] = radius * Math.sin(phase);
  }
  return out;
}

function tableOf(rotaryDim: number): Float32Array {
  return new Float32Array(MAX_LENGTH * rotaryDim).map((_, i) => {
    const [position, column] = [Math.floor(i / rotaryDim), i % rotaryDim];
    const turn = angle(position, column % (rotaryDim / 2), rotaryDim);
    return column < rotaryDim / 2 ? Math.cos(turn) : Math.sin(turn);
  });
}

/** Queries and keys rotated, values as they are. */
function rotateCase(spec: RotaryCaseSpec): KernelCase {
  const { heads, kvHeads, headDim, rotaryDim, interleaved, positions } = spec;
  const tokens = positions.length;
  const allHeads = heads + 2 * kvHeads;
  const qkv = randomFloats(tokens, tokens * allHeads * headDim);
  const cache = { slots: 8, kvHeads, headDim, dtype: 'f32', maxRequests: tokens, maxLength: MAX_LENGTH } as const;
  const batch: StepBatch = { ...emptyBatch(tokens), positions: Uint32Array.from(positions) };
  return {
    name: `rotate ${heads}/${kvHeads} heads of ${headDim}, ${rotaryDim} rotate${interleaved ? ' interleaved' : ''}`,
    prepare: async (ops) => {
      const table = ops.uploadF32(tableOf(rotaryDim), [MAX_LENGTH, rotaryDim]);
      const kv = ops.createKVCache(oneLayerCache(cache));
      const step = ops.beginStep(batch, kv);
      const input = ops.uploadF32(qkv, [tokens, allHeads * headDim]);
      return () => ops.rotate(input, { headDim, rotaryDim, interleaved, table }, kvLayerOf(kv), step);
    },
    expected: () =>
      positions.flatMap((position, t) =>
        Array.from({ length: allHeads }, (_, h) => {
          const head = qkv.subarray((t * allHeads + h) * headDim, (t * allHeads + h + 1) * headDim);
          return h < heads + kvHeads ? rotated(head, position, spec) : [...head];
        }).flat(),
      ),
    referenceBound: { nmse: 1e-11, maxAbs: 1e-5 },
    webgpuBound: { nmse: 1e-12, maxAbs: 1e-6 },
  };
}

/** `what` 'queries': the returned queries. 'values': what attention over the one stored position gives back: its value. */
function rotaryCase(what: 'queries' | 'values', dtype: KVDtype, spec: RotaryCaseSpec): KernelCase {
  const { heads, kvHeads, headDim, rotaryDim, interleaved, positions } = spec;
  const tokens = positions.length;
  const width = (heads + 2 * kvHeads) * headDim;
  const qkv = randomFloats(tokens, tokens * width);
  const maxLength = MAX_LENGTH;
  const table = tableOf(rotaryDim);
  const kvSpec = oneLayerCache({ slots: 64, kvHeads, headDim, dtype, maxRequests: tokens, maxLength });
  const batch: StepBatch = {
    ...emptyBatch(tokens),
    positions: Uint32Array.from(positions),
    tableRows: Uint32Array.from(positions, (_, t) => t),
    slots: [shuffled(3, 64).subarray(0, tokens)],
  };
  return {
    name: `rotaryStoreKV ${what} ${heads}/${kvHeads} heads of ${headDim}, ${rotaryDim} rotate${interleaved ? ' interleaved' : ''}, ${dtype} cache`,
    prepare: async (ops) => {
      const rotary = { headDim, rotaryDim, interleaved, table: ops.uploadF32(table, [maxLength, rotaryDim]) };
      const kv = ops.createKVCache(kvSpec);
      const step = ops.beginStep(batch, kv);
      const input = ops.uploadF32(qkv, [tokens, width]);
      if (what === 'queries') return () => ops.rotaryStoreKV(input, rotary, kvLayerOf(kv), step);
      const q = ops.rotaryStoreKV(input, rotary, kvLayerOf(kv), step);
      return () => ops.attention(q, kvLayerOf(kv), step, { heads, scale: 1, slidingWindow: 1 });
    },
    expected: () =>
      positions.flatMap((position, t) =>
        Array.from({ length: heads }, (_, h) => {
          const first = what === 'queries' ? h : heads + kvHeads + Math.floor((h * kvHeads) / heads);
          const head = qkv.subarray(t * width + first * headDim, t * width + (first + 1) * headDim);
          if (what === 'queries') return rotated(head, position, spec);
          return kept(head, dtype, 'value');
        }).flat(),
      ),
    referenceBound: boundOf(dtype, what === 'values' ? exact : { nmse: 1e-11, maxAbs: 1e-5 }),
    webgpuBound: boundOf(dtype, { nmse: 1e-12, maxAbs: 1e-6 }),
  };
}

/** Rotated keys are stored: scores depend on the difference of positions, so the output of a shifted sequence is the same. */
function shiftCase(interleaved: boolean): KernelCase {
  const spec: RotaryCaseSpec = { heads: 2, kvHeads: 1, headDim: 16, rotaryDim: 8, interleaved, positions: [0, 1, 2] };
  const plain = new Layout({ heads: 2, kvHeads: 1, headDim: 16, sequences: [{ context: 0, chunk: 3 }] });
  const table = Float32Array.from({ length: 3 * 8 }, (_, i) => {
    const turn = angle(Math.floor(i / 8), i % 4, 8);
    return i % 8 < 4 ? Math.cos(turn) : Math.sin(turn);
  });
  /** The layout with queries and keys rotated, so that plain attention over it is the expected value. */
  const turned = new Layout(plain.spec);
  for (let t = 0; t < 3; t++)
    for (let h = 0; h < 3; h++) {
      const at = t * plain.width + h * 16;
      turned.qkv.set(rotated(plain.qkv.subarray(at, at + 16), t, spec), at);
    }
  return {
    name: `attention over rotated keys${interleaved ? ', interleaved' : ''}`,
    prepare: async (ops) => {
      const rotary = { headDim: 16, rotaryDim: 8, interleaved, table: ops.uploadF32(table, [3, 8]) };
      const cache = { slots: 8, kvHeads: 1, headDim: 16, dtype: 'f32', maxRequests: 1, maxLength: 3 } as const;
      const kv = ops.createKVCache(oneLayerCache(cache));
      const { batch, tokens } = plain.batch('chunk');
      const step = ops.beginStep(batch, kv);
      const q = ops.rotaryStoreKV(ops.uploadF32(plain.rowsOf(tokens), [3, plain.width]), rotary, kvLayerOf(kv), step);
      return () => ops.attention(q, kvLayerOf(kv), step, { heads: 2, scale: 0.25 });
    },
    expected: () => attention(turned),
    referenceBound: f32Bound,
    webgpuBound: f32Bound,
  };
}

/** Head shapes that several cases share, so that their kernels are compiled once. */
const smollm = { heads: 9, kvHeads: 3, headDim: 64 };
const wide = { heads: 4, kvHeads: 2, headDim: 128 };

const decode = (...contexts: number[]): Sequence[] => contexts.map((context) => ({ context, chunk: 1 }));

export const attentionCases: readonly KernelCase[] = [
  rotaryCase('queries', 'f32', { ...smollm, rotaryDim: 64, interleaved: false, positions: [0, 9, 3] }),
  rotaryCase('queries', 'f16', { heads: 2, kvHeads: 2, headDim: 16, rotaryDim: 8, interleaved: true, positions: [57] }),
  rotaryCase('queries', 'f32', {
    heads: 4,
    kvHeads: 2,
    headDim: 80,
    rotaryDim: 20,
    interleaved: false,
    positions: [1, 40],
  }),
  rotaryCase('values', 'f32', { ...smollm, rotaryDim: 64, interleaved: false, positions: [0, 9, 3] }),
  core(rotaryCase('values', 'f16', { ...wide, rotaryDim: 128, interleaved: false, positions: [5, 30] })),
  rotaryCase('values', 'int8', { ...wide, rotaryDim: 128, interleaved: false, positions: [5, 30] }),
  core(
    rotaryCase('values', 'int4', {
      heads: 4,
      kvHeads: 2,
      headDim: 80,
      rotaryDim: 20,
      interleaved: true,
      positions: [7],
    }),
  ),
  rotateCase({ ...smollm, rotaryDim: 64, interleaved: false, positions: [0, 9, 3] }),
  core(rotateCase({ heads: 4, kvHeads: 2, headDim: 80, rotaryDim: 20, interleaved: true, positions: [7, 1999] })),
  shiftCase(false),
  core(shiftCase(true)),
  attentionCase('first token', { heads: 1, kvHeads: 1, headDim: 8, sequences: decode(0) }),
  attentionCase('prefill', { ...smollm, sequences: [{ context: 0, chunk: 57 }] }),
  core(
    attentionCase('rising scores', {
      heads: 4,
      kvHeads: 2,
      headDim: 32,
      rising: true,
      sequences: [{ context: 20, chunk: 110 }],
    }),
  ),
  attentionCase('chunked prefill', { heads: 4, kvHeads: 4, headDim: 16, sequences: [{ context: 33, chunk: 20 }] }),
  attentionCase('decode', { ...smollm, dtype: 'f16', sequences: decode(0, 1, 57, 300) }),
  core(attentionCase('long decode', { ...smollm, dtype: 'f16', sequences: decode(1500) })),
  core(
    attentionCase('mixed', {
      ...wide,
      dtype: 'f16',
      sequences: [
        { context: 17, chunk: 1 },
        { context: 0, chunk: 30 },
        { context: 70, chunk: 3 },
        { context: 5, chunk: 1 },
      ],
    }),
  ),
  // A context that is split beside a prompt.
  core(
    attentionCase('mixed, long decode', {
      ...wide,
      dtype: 'f16',
      sequences: [...decode(700), { context: 0, chunk: 12 }],
    }),
  ),
  attentionCase('prefill', { ...smollm, dtype: 'int8', sequences: [{ context: 9, chunk: 40 }, ...decode(70)] }),
  attentionCase('prefill', { ...smollm, dtype: 'int4', sequences: [{ context: 9, chunk: 40 }, ...decode(70)] }),
  core(attentionCase('mixed', { ...wide, dtype: 'int8', sequences: [{ context: 30, chunk: 9 }, ...decode(150, 2)] })),
  core(attentionCase('mixed', { ...wide, dtype: 'int4', sequences: [{ context: 30, chunk: 9 }, ...decode(150, 2)] })),
  attentionCase('groups of 16', { heads: 4, kvHeads: 2, headDim: 80, dtype: 'int8', sequences: decode(20) }),
  attentionCase('groups of 8', { heads: 2, kvHeads: 2, headDim: 24, dtype: 'int4', sequences: decode(20) }),
  attentionCase('shared prefix', {
    ...smollm,
    sharedPrefix: 20,
    sequences: [
      { context: 25, chunk: 1 },
      { context: 40, chunk: 2 },
      { context: 20, chunk: 9 },
    ],
  }),
  attentionCase('window', {
    ...smollm,
    slidingWindow: 19,
    sequences: [
      { context: 57, chunk: 3 },
      { context: 0, chunk: 30 },
      { context: 50, chunk: 75 },
    ],
  }),
  core(attentionCase('window, long decode', { ...wide, slidingWindow: 300, sequences: decode(700, 40) })),
  core(attentionCase('softcap', { heads: 2, kvHeads: 1, headDim: 256, softcap: 2, sequences: decode(0, 45) })),
  core(
    attentionCase('ALiBi', {
      heads: 6,
      kvHeads: 3,
      headDim: 16,
      alibi: 0.5,
      sequences: [{ context: 20, chunk: 9 }, ...decode(33)],
    }),
  ),
  // Larger than all scores, among them, smaller.
  core(
    attentionCase('sinks', {
      ...{ heads: 6, kvHeads: 2, headDim: 16, sinks: [9, 0.5, -4, 2, -30, 1.25] },
      sequences: [{ context: 20, chunk: 9 }, ...decode(0, 33)],
    }),
  ),
  // Splits of the context on GPUs, each head's sink in one of them.
  core(
    attentionCase('sinks, window, long decode', {
      ...{ ...wide, dtype: 'f16', slidingWindow: 300, sinks: [4, 1.5, -1, 7] },
      sequences: decode(700, 40),
    }),
  ),
  attentionCase('sinks, long decode', { ...wide, dtype: 'f16', sinks: [4, 1.5, -1, 7], sequences: decode(1500) }),
  core(attentionCase('odd sizes', { heads: 5, kvHeads: 5, headDim: 80, sequences: [{ context: 3, chunk: 2 }] })),
];
