/**
 * Which stored tensors become which weights, checked before anything is read: every tensor that the architecture asks for
 * is there in the right shape, and none is left over.
 */
import type { Quantization } from '../../config.ts';
import type { MatrixShape, MatrixSource } from '../../tensor/matrix.ts';
import { numel } from '../../tensor/tensor.ts';
import { quantizedSource } from '../../tensor/quantize.ts';
import type { AnyArchitecture } from '../architecture.ts';
import type { ModelConfig } from '../config.ts';
import { notReadable } from '../files/model-file.ts';
import { watchFinite } from './finite.ts';
import { planScoreHead, type ScoreHead } from '../layers/score-head.ts';
import { expertRows } from '../files/expert-rows.ts';
import { apart, partOfHeads, reorderRows, reorderVector, skipRows, type RowRun } from '../files/row-order.ts';
import { stackRows, transposed, transposedEach, widen } from '../files/sources.ts';
import { readVector, type StoredTensor, type TensorTable } from '../files/stored-tensor.ts';
import type { PlannedVector, Take } from './planned-vector.ts';
import { storedExperts } from './stored-experts.ts';
import {
  loraShape,
  mapLeaves,
  outRows,
  type ExpertsSpec,
  type HeadsSpec,
  type LeafSpec,
  type LinSpec,
  type TableSpec,
  type Tree,
  type VecSpec,
} from './spec.ts';
import type { Adapter } from '../lora/adapter.ts';
import { merged } from '../lora/merge.ts';

/** A matrix of the model; each `open` gives a new source, whose read buffers are gone with it. */
export interface PlannedMatrix extends MatrixShape {
  readonly open: () => MatrixSource;
}

interface PlannedLinear {
  readonly kind: 'lin';
  /** What the architecture says of it; null for experts, beside which there are no adapters. */
  readonly spec: LinSpec | null;
  readonly weight: PlannedMatrix;
  readonly bias: PlannedVector | null;
}

interface PlannedTable {
  readonly kind: 'table';
  readonly matrix: PlannedMatrix;
  readonly isHead: boolean;
}

interface PlannedHeads {
  readonly kind: 'heads';
  readonly matrix: PlannedMatrix;
}

export type PlannedLeaf = PlannedVector | PlannedLinear | PlannedHeads | PlannedTable;

/** The architecture's weights before they are read. */
export interface WeightPlan {
  /** The shape of `Architecture.weights`. */
  readonly weights: Tree<PlannedLeaf>;
  /** Reads the head of a reward model; null for a model that generates. */
  readonly readScoreHead: (() => ScoreHead) | null;
}

/** Not weights of their own: derived from the config at run time, constant masks, or a tied head stored a second time. */
const notWeights = [
  /^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$/,
  /^blk\.\d+\.attn_rot_embd\.weight$/,
  /^rope_(freqs|factors_long|factors_short)\.weight$/,
  /^lm_head\.weight$/,
];

/** What planWeights needs of an OpenModel. */
export interface PlannableModel {
  readonly path: string;
  readonly format: 'safetensors' | 'gguf';
  readonly architecture: AnyArchitecture;
  readonly config: ModelConfig;
  readonly tensors: TensorTable;
  /** An adapter that is added to the weights. */
  readonly merged?: Adapter | null;
}

/**
 * @param onNonFinite told the name of each tensor in which NaN or infinity is found while it is read
 * @throws EngineError model_not_readable for a tensor that is missing, mis-shaped or unknown
 */
export function planWeights(
  model: PlannableModel,
  quant: Quantization,
  onNonFinite: (name: string) => void = () => {},
): WeightPlan {
  const { tensors, config, architecture } = model;
  const used = new Set<string>();
  const take: Take = (name, shape, { isFlat = false } = {}) => {
    used.add(name);
    const tensor = checked(tensors.get(name), name, shape, isFlat, model.path);
    return { ...tensor, source: () => watchFinite(tensor.source(), () => onNonFinite(name)) };
  };
  const readScoreHead = planScoreHead(tensors, config, take);
  // llama.cpp's converter adds what is to be added, writes every matrix [out, in], and heads in the order we want.
  const has = (name: string) => tensors.has(name);
  const planner = new LeafPlanner(
    take,
    has,
    quant,
    model.format === 'gguf',
    readScoreHead !== null,
    model.merged ?? null,
  );
  const weights = mapLeaves(architecture.weights(config), (leaf) => planner.plan(leaf)) as Tree<PlannedLeaf>;
  refuseUnknown(tensors, used, config);
  return { weights, readScoreHead };
}

class LeafPlanner {
  readonly #take: Take;
  readonly #has: (name: string) => boolean;
  readonly #quant: Quantization;
  readonly #isConverted: boolean;
  readonly #isHeadless: boolean;
  readonly #merged: Adapter | null;

  constructor(
    take: Take,
    has: (name: string) => boolean,
    quant: Quantization,
    isConverted: boolean,
    isHeadless: boolean,
    merged: Adapter | null,
  ) {
    this.#take = take;
    this.#has = has;
    this.#quant = quant;
    this.#isConverted = isConverted;
    this.#isHeadless = isHeadless;
    this.#merged = merged;
  }

  plan(leaf: LeafSpec): PlannedLeaf | null {
    switch (leaf.kind) {
      case 'vec':
        return this.#vector(leaf);
      case 'lin':
        return this.#linear(leaf);
      case 'experts':
        return this.#experts(leaf);
      case 'heads':
        return this.#heads(leaf);
      case 'table':
        return leaf.isHead && this.#isHeadless ? null : this.#table(leaf);
      default:
        return leaf satisfies never;
    }
  }

  #vector({ name, length, plus, isLog, shape, each }: VecSpec): PlannedVector {
    const apart = each && this.#has(each[0]) ? each : null;
    // llama.cpp's converter drops dimensions of 1 here and adds them there.
    const stored = apart
      ? apart.map((part) => this.#take(part, [length / apart.length]))
      : [this.#take(name, shape, { isFlat: this.#isConverted })];
    const meant = this.#isConverted ? (v: number) => v : isLog ? (v: number) => -Math.exp(v) : (v: number) => v + plus;
    return { kind: 'vec', length, read: () => joined(stored.map(readVector)).map(meant) };
  }

  #table({ name, rows, cols, isHead, skipped }: TableSpec): PlannedTable {
    const stored = this.#take(name, [skipped + rows, cols]);
    const quant = this.#quant === 'int4' ? 'atMostInt8' : this.#quant;
    return { kind: 'table', isHead, matrix: planned(() => inFormat(skipRows(stored.source(), skipped), quant)) };
  }

  #linear(spec: LinSpec): PlannedLinear {
    const { parts, cols, bias } = spec;
    const turned = spec.transposed && !this.#isConverted;
    const weights = parts.map(({ name, rows }) => this.#take(`${name}.weight`, turned ? [cols, rows] : [rows, cols]));
    const fused = spec.fused && !this.#isConverted ? apart(spec.fused) : null;
    const orders = parts.map(({ taken }) => (taken ? taken.flatMap(partOfHeads) : fused));
    const quant = spec.isRouter && this.#quant !== 'none' ? 'stored' : this.#quant;
    const added = this.#merged?.layers.get(loraShape(spec).name);
    const open = () => {
      const sources = weights.map((w, i) => {
        const whole = turned ? transposed(w.source()) : w.source();
        const order = orders[i];
        const source = order ? reorderRows(whole, order) : whole;
        const part = added?.[i];
        return inFormat(part ? merged(source, part, quant) : source, quant);
      });
      return sources.length === 1 ? sources[0] : stackRows(parts.map(({ name }) => name).join(' + '), sources);
    };
    return { kind: 'lin', spec, weight: planned(open), bias: bias ? this.#bias(parts, orders) : null };
  }

  #experts(spec: ExpertsSpec): PlannedLinear {
    const { open, bias } = storedExperts(spec, this.#take, this.#has);
    const name = `${spec.prefix} ${spec.parts.map((part) => part.name).join(' + ')}`;
    const weight = planned(() => expertRows(name, spec.count, (e) => inFormat(open(e), this.#quant)));
    return { kind: 'lin', spec: null, weight, bias };
  }

  #heads({ name, storedCols, part, transposed: isTurned, ownName }: HeadsSpec): PlannedHeads {
    const { heads, size, count } = part;
    const [rows, cols] = isTurned ? [storedCols, count] : [count, storedCols];
    const own = this.#has(ownName) ? this.#take(ownName, [heads, rows, cols]) : null;
    const whole = own ?? this.#take(name, [heads * size, storedCols]);
    const open = () => {
      if (own) return inFormat(own.source(), this.#quant);
      const source = reorderRows(whole.source(), partOfHeads(part));
      return inFormat(isTurned ? transposedEach(source, heads) : source, this.#quant);
    };
    return { kind: 'heads', matrix: planned(() => ({ ...open(), experts: heads })) };
  }

  #bias(parts: LinSpec['parts'], orders: readonly (readonly RowRun[] | null)[]): PlannedVector {
    const stored = parts.map(({ name, rows }) => this.#take(`${name}.bias`, [rows]));
    const inOrder = (part: StoredTensor, i: number): Float32Array => {
      const order = orders[i];
      return order ? reorderVector(readVector(part), order) : readVector(part);
    };
    const read = () => Float32Array.from(stored.flatMap((part, i) => [...inOrder(part, i)]));
    return { kind: 'vec', length: parts.reduce((n, part) => n + outRows(part), 0), read };
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return parts.length === 1 ? parts[0] : Float32Array.from(parts.flatMap((part) => [...part]));
}

/** Opened once to learn its shape and format, which also refuses what cannot be a weight. */
function planned(open: () => MatrixSource): PlannedMatrix {
  const { name, rows, cols, format, groupSize, experts } = open();
  return { name, rows, cols, format, groupSize, ...(experts !== undefined && { experts }), open };
}

/**
 * `--quant`: `stored` leaves everything as it is, `none` expands integers to f32, `int8` and `int4` bring every matrix to
 * that width. Embedding and head never go below int8 on the way in (`atMostInt8`): their error reaches the logits unmixed.
 */
function inFormat(source: MatrixSource, quant: Quantization | 'atMostInt8'): MatrixSource {
  const { format, groupSize } = source;
  const integer = format === 'int8' || format === 'int4';
  switch (quant) {
    case 'stored':
      return source;
    case 'none':
      return integer ? widen(source, 'f32', 0) : source;
    case 'atMostInt8':
      return quantizedSource(source, 'int8');
    case 'int8':
      return integer ? widen(source, 'int8', groupSize) : quantizedSource(source, 'int8');
    case 'int4':
      return quantizedSource(format === 'int8' ? widen(source, 'f32', 0) : source, 'int4');
    default:
      return quant satisfies never;
  }
}

function checked(
  tensor: StoredTensor | undefined,
  name: string,
  shape: readonly number[],
  isFlat: boolean,
  path: string,
): StoredTensor {
  if (!tensor) throw notReadable(path, `tensor ${name} is missing; the config asks for [${shape.join(', ')}]`);
  if (tensor.shape.length === shape.length && tensor.shape.every((d, i) => d === shape[i])) return tensor;
  if (isFlat && numel(tensor.shape) === numel(shape)) return tensor;
  throw notReadable(
    tensor.file,
    `tensor ${name} is [${tensor.shape.join(', ')}]; the config asks for [${shape.join(', ')}]`,
  );
}

function refuseUnknown(tensors: TensorTable, used: ReadonlySet<string>, config: ModelConfig): void {
  const { numHiddenLayers, draftLayers = 0 } = config;
  const isDraft = (name: string) => {
    const layer = Number(/^(?:model\.layers|blk)\.(\d+)\./.exec(name)?.[1] ?? -1);
    return layer >= numHiddenLayers && layer < numHiddenLayers + draftLayers;
  };
  const isKnown = (name: string) => used.has(name) || isDraft(name) || notWeights.some((d) => d.test(name));
  const unknown = [...tensors.keys()].filter((name) => !isKnown(name) && !addsNothing(tensors, name));
  if (unknown.length === 0) return;
  const [first] = unknown;
  const named = unknown.slice(0, 5).join(', ') + (unknown.length > 5 ? ` and ${unknown.length - 5} more` : '');
  throw notReadable(
    tensors.get(first)?.file ?? '',
    `this architecture has no place for ${named}; is model_type right?`,
  );
}

/** Quantizers write zeros as biases of layers that have none. */
function addsNothing(tensors: TensorTable, name: string): boolean {
  const bias = tensors.get(name);
  return name.endsWith('.bias') && bias?.shape.length === 1 && readVector(bias).every((value) => value === 0);
}
