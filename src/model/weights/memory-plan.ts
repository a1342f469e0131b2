/** What a model takes in device memory, known before anything is allocated. */
import type { KVCache, KVCacheSpec, Matrix, Step, StepBatch } from '../../kernels/ops.ts';
import { pooledBytes } from '../../kernels/program/lifetimes.ts';
import { record, type Recording } from '../../kernels/program/recording.ts';
import type { RecordedMatrix } from '../../kernels/program/recorded-matrix.ts';
import { samplingBytes } from '../../kernels/sample/sample.ts';
import { bytesOf, formFor } from '../../kernels/webgpu-context.ts';
import { matrixBytes, type WeightFormat } from '../../tensor/matrix.ts';
import type { Shape, Tensor } from '../../tensor/tensor.ts';
import { kvCacheSpec } from '../cache-plan.ts';
import { modelParts } from './model-parts.ts';
import { leavesOf, mapLeaves } from './spec.ts';
import type { PlannableModel, PlannedLeaf, PlannedMatrix, WeightPlan } from './weight-plan.ts';

export interface PlannedBytes {
  readonly total: number;
  /** Matrices by the format they are loaded in. */
  readonly byFormat: ReadonlyMap<WeightFormat, number>;
  /** Norms and biases, f32. */
  readonly vectors: number;
  /** Weights, a tied head counted once. */
  readonly parameters: number;
}

/** Bytes of all weights as rows in their load format; a backend's own padding comes on top. */
export function planBytes({ weights }: WeightPlan): PlannedBytes {
  const leaves = leavesOf<PlannedLeaf>(weights);
  const matrices = leaves.flatMap(matricesOf);
  const byFormat = new Map<WeightFormat, number>();
  for (const matrix of matrices) byFormat.set(matrix.format, (byFormat.get(matrix.format) ?? 0) + matrixBytes(matrix));
  const vectorLength = leaves.reduce((n, leaf) => n + vectorLengthOf(leaf), 0);
  const matrixTotal = [...byFormat.values()].reduce((n, bytes) => n + bytes, 0);
  return {
    total: matrixTotal + vectorLength * 4,
    byFormat,
    vectors: vectorLength * 4,
    parameters: matrices.reduce((n, m) => n + m.rows * m.cols, vectorLength),
  };
}

function matricesOf(leaf: PlannedLeaf): PlannedMatrix[] {
  switch (leaf.kind) {
    case 'vec':
      return [];
    case 'lin':
      return [leaf.weight];
    case 'heads':
    case 'table':
      return [leaf.matrix];
    default:
      return leaf satisfies never;
  }
}

function vectorLengthOf(leaf: PlannedLeaf): number {
  return leaf.kind === 'vec' ? leaf.length : leaf.kind === 'lin' ? (leaf.bias?.length ?? 0) : 0;
}

/** What a step holds besides weights and cache, and what the model's tables take. */
export interface MeasuredStep {
  /** Bytes of the buffers for its activations. */
  readonly step: number;
  /** Bytes of the rotary tables for each position that a context may have. */
  readonly tablesPerPosition: number;
  /** Bytes of the largest activation; logits, of which prompts have some of their own, are none. */
  readonly largestActivation: number;
}

/** A step of the model as data, and the cache and step that stand in its arguments. */
export interface RecordedModel {
  readonly recording: Recording;
  readonly kv: KVCache;
  readonly step: Step;
  readonly tablesPerPosition: number;
}

/**
 * Records one step over shapes only (kernels/program/recording.ts): the model's own code says what it computes, so that
 * what is planned by it cannot drift from it.
 */
export function recordModel(
  { architecture, config }: Pick<PlannableModel, 'architecture' | 'config'>,
  plan: WeightPlan,
  { batch, activations }: { batch: StepBatch; activations: 'f32' | 'int8' },
  cache?: KVCacheSpec,
): RecordedModel {
  let tablesPerPosition = 0;
  const positions = cache?.maxLength ?? 1;
  const parts = modelParts(1, null, (_, rotaryDim) => {
    tablesPerPosition += rotaryDim * 4;
    return shapeOf([positions, rotaryDim]);
  });
  const model = architecture.create(config, mapLeaves(plan.weights, measured), parts);
  const size = { slots: 1, windowSlots: 1, maxRequests: 1, maxLength: 1 };
  const kv = shapeOfCache(cache ?? kvCacheSpec(model.caches, { dtype: 'f32', ...size }));
  const step = { numTokens: batch.tokenIds.length, numLogits: batch.logitIndices.length, batch, storage: null };
  const formOf = (consumer: Matrix | undefined) => formFor(consumer, activations);
  const recording = record(formOf, (ops) => {
    const x = model.layers(ops, step, kv);
    return { x, y: plan.readScoreHead ? model.hiddenStates(ops, x) : model.logits(ops, ops.takeLogitRows(x, step)) };
  });
  return { recording, kv, step, tablesPerPosition };
}

/** What a step of `tokens` tokens, of which `logits` are sampled from, takes. */
export function measureStep(
  model: Pick<PlannableModel, 'architecture' | 'config'>,
  plan: WeightPlan,
  { tokens, logits, activations }: { tokens: number; logits: number; activations: 'f32' | 'int8' },
): MeasuredStep {
  const batch = shapeOfBatch(tokens, logits);
  const { recording, tablesPerPosition } = recordModel(model, plan, { batch, activations });
  const { y } = recording.results;
  const sampling = plan.readScoreHead ? [] : samplingBytes(y!.shape);
  const isLogits = ({ shape: [rows, columns] }: Tensor): boolean => rows === logits && columns === y!.shape[1];
  const values = recording.nodes.map(({ output }) => output).filter((value) => plan.readScoreHead || !isLogits(value));
  const largestActivation = Math.max(...values.map(({ shape, dtype }) => bytesOf(shape, dtype)));
  return { step: pooledBytes(recording, sampling), tablesPerPosition, largestActivation };
}

/** The leaf as the model would get it. */
function measured(leaf: PlannedLeaf): unknown {
  const matrix = ({ open: _, groupSize, ...shape }: PlannedMatrix): Matrix => {
    const storage: RecordedMatrix = { groupSize };
    return { ...shape, storage };
  };
  switch (leaf.kind) {
    case 'vec':
      return shapeOf([leaf.length]);
    case 'lin':
      return { weight: matrix(leaf.weight), ...(leaf.bias && { bias: shapeOf([leaf.bias.length]) }) };
    case 'heads':
    case 'table':
      return matrix(leaf.matrix);
    default:
      return leaf satisfies never;
  }
}

function shapeOf(shape: Shape): Tensor {
  return { shape, dtype: 'f32', storage: null };
}

function shapeOfCache(spec: KVCacheSpec): KVCache {
  return { spec, layers: spec.layers.map((layer) => ({ ...layer, storage: null })), storage: null };
}

function shapeOfBatch(numTokens: number, numLogits: number): StepBatch {
  const none = new Uint32Array(numTokens);
  const logitIndices = new Uint32Array(numLogits);
  return { tokenIds: none, positions: none, tableRows: none, slots: [none], logitIndices };
}
