/**
 * The definition of every op, and the CPU backend: plain loops over f32 arrays, each sum in a JavaScript number and
 * rounded to f32 when it is stored. Work is done when a method is called; nothing is deferred.
 */
import { EngineError } from '../errors.ts';
import type { MatrixSource } from '../tensor/matrix.ts';
import { readAllRows } from '../tensor/rows.ts';
import type { Shape, Tensor } from '../tensor/tensor.ts';
import { numel } from '../tensor/tensor.ts';
import { activationReference } from './activation/activation.reference.ts';
import { addReference } from './add/add.reference.ts';
import { argmaxReference, isSpoiled } from './argmax/argmax.reference.ts';
import { attentionReference, type ReferenceHeads } from './attention/attention.reference.ts';
import { headShape } from './attention/head-shape.ts';
import { capReference } from './cap/cap.reference.ts';
import { combineReference } from './combine/combine.reference.ts';
import { deltaRuleReference } from './delta-rule/delta-rule.reference.ts';
import { embeddingReference } from './embedding/embedding.reference.ts';
import { expertMatmulReference } from './expert-matmul/expert-matmul.reference.ts';
import { gatedMulReference } from './gated-mul/gated-mul.reference.ts';
import { gatedNormReference } from './gated-norm/gated-norm.reference.ts';
import { headMatmulReference } from './head-matmul/head-matmul.reference.ts';
import { headNormReference } from './head-norm/head-norm.reference.ts';
import { layerNormReference } from './layer-norm/layer-norm.reference.ts';
import { addLoraReference, type ReferenceLora } from './lora/lora.reference.ts';
import type { ReferenceMatrix } from './matmul/matmul.reference.ts';
import { matmulQuantizedReference, matmulReference } from './matmul/matmul.reference.ts';
import type {
  Activation,
  AttentionSpec,
  AttendedLayer,
  Columns,
  ConsumerOption,
  DeltaRuleSpec,
  EmbeddingOption,
  ExpertMatmulOption,
  GatedActivation,
  GatedNormSpec,
  HeadNorms,
  KVCache,
  KVCacheSpec,
  KVLayer,
  LatentLayer,
  LatentQueries,
  Lora,
  LoraSpec,
  LoraWeights,
  Matrix,
  ModelOps,
  NormSpec,
  Ops,
  ProgramResult,
  RmsNormSpec,
  RotarySpec,
  RouteSpec,
  SamplingRow,
  SelectiveScanSpec,
  ShortConvSpec,
  StateLayer,
  StatePart,
  Step,
  StepBatch,
} from './ops.ts';
import { LAST_TOKEN_FLAG, NO_TOKEN } from './ops.ts';
import type { QuantizedActivation } from './quantize/quantize.reference.ts';
import { dequantizeReference, Q12_TOP, quantizeReference } from './quantize/quantize.reference.ts';
import { rmsNormReference } from './rms-norm/rms-norm.reference.ts';
import type { ReferenceKVLayer } from './rotary-embedding/rotary-embedding.reference.ts';
import { rotateHead, storeKVReference } from './rotary-embedding/rotary-embedding.reference.ts';
import {
  latentQueriesReference,
  storeLatentReference,
  type ReferenceLatentLayer,
} from './rotary-store-latent/rotary-store-latent.reference.ts';
import { routeReference } from './route/route.reference.ts';
import { sampleReference } from './sample/sample.reference.ts';
import { topLogprobsReference } from './sample/top-logprobs.reference.ts';
import { scaleReference } from './scale/scale.reference.ts';
import { sigmoidGateReference } from './sigmoid-gate/sigmoid-gate.reference.ts';
import { selectiveScanReference } from './selective-scan/selective-scan.reference.ts';
import { shortConvReference } from './short-conv/short-conv.reference.ts';
import { softmaxReference } from './softmax/softmax.reference.ts';
import { takeRowsReference } from './take-rows/take-rows.reference.ts';

export interface ReferenceOpsOptions {
  /** What feeds int8/int4 matrix products: f32, or int8 in groups of 32 (see quantize/quantize.reference.ts). */
  readonly activations?: 'f32' | 'int8';
  /** With int8, x of `matmul` that came as f32 is rounded to twelve bits where weights are integers, as lavapipe's product does. */
  readonly finely?: boolean;
}

interface ReferenceKVCache extends KVCache {
  readonly storage: {
    /** [maxRequests, maxLength] for each group. */
    readonly slotTables: readonly Uint32Array[];
    readonly lastTokens: Uint32Array;
    /** [maxRequests, maxLength] */
    readonly tokens: Uint32Array;
  };
}

interface ReferenceStateLayer extends StateLayer {
  /** [stateRows, floats] */
  readonly storage: { readonly states: Float32Array };
}

interface ReferenceStep extends Step {
  readonly storage: { readonly tokenIds: Uint32Array; readonly kv: ReferenceKVCache };
}

export class ReferenceOps implements Ops {
  readonly backend = 'reference';
  readonly #activations: 'f32' | 'int8';
  readonly #finely: boolean;
  /** Of the step that was begun last. */
  #adapters: Uint32Array | undefined;

  constructor(options: ReferenceOpsOptions = {}) {
    this.#activations = options.activations ?? 'f32';
    this.#finely = options.finely ?? false;
  }

  async uploadMatrix(source: MatrixSource): Promise<Matrix> {
    const { name, rows, cols, format, groupSize, experts } = source;
    const shape = { name, rows, cols, format, groupSize, ...(experts !== undefined && { experts }) };
    const matrix: ReferenceMatrix = { ...shape, storage: readAllRows(source) };
    return matrix;
  }

  uploadF32(data: Float32Array, shape: Shape): Tensor {
    if (data.length !== numel(shape)) throw mismatch('uploadF32', `${data.length} values for shape [${shape.join()}]`);
    return f32(shape, data.slice());
  }

  createKVCache(spec: KVCacheSpec): KVCache {
    const layers = spec.layers.map((layer) => {
      if (layer.kind === 'state')
        return { ...layer, storage: { states: new Float32Array((spec.stateRows ?? 0) * layer.floats) } };
      const slots = spec.groups[layer.group].slots + 1;
      const values = (perSlot: number) => new Float32Array(slots * perSlot);
      switch (layer.kind) {
        case 'kv': {
          const width = layer.kvHeads * layer.headDim;
          return { ...layer, storage: { keys: values(width), values: values(width) } };
        }
        case 'latent':
          return { ...layer, storage: { latents: values(layer.rank + layer.ropeDim) } };
        default:
          return layer satisfies never;
      }
    });
    const table = (): Uint32Array => new Uint32Array(spec.maxRequests * spec.maxLength);
    const slotTables = spec.groups.map(table);
    const storage = { slotTables, lastTokens: new Uint32Array(spec.maxRequests), tokens: table() };
    return { spec, layers, storage };
  }

  createLora(spec: LoraSpec): Lora {
    const storage: ReferenceLora['storage'] = Array.from({ length: spec.slots }, () => spec.parts.map(() => null));
    return { ...spec, storage };
  }

  writeLora(lora: Lora, slot: number, weights: LoraWeights): void {
    (lora as ReferenceLora).storage[slot] = weights;
  }

  writeSlots(kv: KVCache, group: number, tableRow: number, start: number, slots: Uint32Array): void {
    (kv as ReferenceKVCache).storage.slotTables[group].set(slots, tableRow * kv.spec.maxLength + start);
  }

  writeTokens(kv: KVCache, tableRow: number, tokenIds: Uint32Array): void {
    (kv as ReferenceKVCache).storage.tokens.set(tokenIds, tableRow * kv.spec.maxLength);
  }

  beginStep(batch: StepBatch, kv: KVCache): Step {
    const cache = kv as ReferenceKVCache;
    const { lastTokens } = cache.storage;
    const tokenIds = batch.tokenIds.map((id) => (id >= LAST_TOKEN_FLAG ? lastTokens[id - LAST_TOKEN_FLAG] : id));
    const storage = { tokenIds, kv: cache };
    this.#adapters = batch.adapters;
    return { numTokens: tokenIds.length, numLogits: batch.logitIndices.length, batch, storage };
  }

  flush(): void {
    // Every method has done its work already.
  }

  endStep(): void {
    // Every method has done its work already, and memory is the garbage collector's.
  }

  program<R extends ProgramResult>(_owner: object, _step: Step, body: (ops: ModelOps) => R): R {
    return body(this);
  }

  scope(_name: string, body: () => Tensor): Tensor {
    return body();
  }

  named(_site: string, x: Tensor): Tensor {
    return x;
  }

  embedding(step: Step, table: Matrix, { scale = 1, by = 'ids' }: EmbeddingOption = {}): Tensor {
    const indices = by === 'positions' ? step.batch.positions : (step as ReferenceStep).storage.tokenIds;
    const outside = indices.find((id) => id >= table.rows);
    if (outside !== undefined)
      throw mismatch('embedding', `row ${outside} is wanted, but ${table.name} has ${table.rows}`);
    return f32([step.numTokens, table.cols], embeddingReference(indices, table as ReferenceMatrix, scale));
  }

  norm(x: Tensor, norm: NormSpec, option?: ConsumerOption): Tensor {
    const y =
      norm.kind === 'rms'
        ? rmsNormReference(floats(x), floats(norm.weight), norm.eps)
        : layerNormReference(floats(x), floats(norm.weight), norm.bias ? floats(norm.bias) : null, norm.eps);
    return this.#forConsumer(f32(x.shape, y), option);
  }

  headNorm(qkv: Tensor, norms: HeadNorms, eps: number, { headDim, kvHeads }: KVLayer): Tensor {
    const { query, key, kind = 'rms', over = 'head' } = norms;
    const spec = { headDim, heads: qkv.shape[1] / headDim, kvHeads, kind, over, eps };
    return f32(qkv.shape, headNormReference(floats(qkv), floats(query), floats(key), spec));
  }

  add(a: Tensor, b: Tensor, scale = 1): Tensor {
    return f32(a.shape, addReference(floats(a), floats(b), scale));
  }

  scale(x: Tensor, factor: number): Tensor {
    return f32(x.shape, scaleReference(floats(x), factor));
  }

  cap(x: Tensor, c: number): Tensor {
    return f32(x.shape, capReference(floats(x), c));
  }

  matmul(x: Tensor, w: Matrix, option: { readonly bias?: Tensor; readonly residual?: Tensor } = {}): Tensor {
    const tokens = x.shape[0];
    if (x.shape[1] !== w.cols) throw mismatch('matmul', `x has ${x.shape[1]} columns, ${w.name} ${w.cols}`);
    const input = this.#finely && x.dtype === 'f32' ? this.#forConsumer(x, { to: w }, Q12_TOP) : x;
    const y = product(input, w as ReferenceMatrix);
    const bias = option.bias && floats(option.bias);
    const residual = option.residual && floats(option.residual);
    if (bias) for (let i = 0; i < y.length; i++) y[i] += bias[i % w.rows];
    if (residual) for (let i = 0; i < y.length; i++) y[i] += residual[i];
    return f32([tokens, w.rows], y);
  }

  addLora(y: Tensor, x: Tensor, lora: Lora): Tensor {
    if (!this.#adapters) return y;
    return f32(y.shape, addLoraReference(floats(y), floats(x), lora as ReferenceLora, this.#adapters));
  }

  rotate(qkv: Tensor, rotary: RotarySpec, { headDim, kvHeads }: KVLayer, step: Step): Tensor {
    const { rotaryDim, interleaved } = rotary;
    const byToken = rotary.dynamic ? step.batch.rotaryRows : undefined;
    const table = byToken ?? floats(rotary.table);
    const y = floats(qkv).slice();
    const width = qkv.shape[1];
    const turned = width / headDim - kvHeads;
    for (let t = 0; t < step.numTokens; t++) {
      const row = byToken ? t : step.batch.positions[t];
      const cosSin = table.subarray(row * rotaryDim, (row + 1) * rotaryDim);
      for (let at = t * width; at < t * width + turned * headDim; at += headDim)
        rotateHead(y.subarray(at, at + headDim), cosSin, rotaryDim, interleaved);
    }
    return f32(qkv.shape, y);
  }

  rotaryStoreKV(qkv: Tensor, rotary: RotarySpec | null, layer: KVLayer, step: Step): Tensor {
    const { headDim, kvHeads } = layer;
    const width = qkv.shape[1];
    const keys = width - 2 * kvHeads * headDim;
    const values = keys + kvHeads * headDim;
    const slotTable = slotTableOf(step, layer);
    const { maxLength } = (step as ReferenceStep).storage.kv.spec;
    const turned = floats(rotary ? this.rotate(qkv, rotary, layer, step) : qkv);
    const queries = new Float32Array(step.numTokens * keys);
    for (let t = 0; t < step.numTokens; t++) {
      const slot = step.batch.slots[layer.group][t];
      const token = turned.slice(t * width, (t + 1) * width);
      queries.set(token.subarray(0, keys), t * keys);
      storeKVReference(layer as ReferenceKVLayer, slot, token.subarray(keys, values), token.subarray(values));
      slotTable[step.batch.tableRows[t] * maxLength + step.batch.positions[t]] = slot;
    }
    return f32([step.numTokens, keys], queries);
  }

  headMatmul(x: Tensor, w: Matrix, option?: ConsumerOption): Tensor {
    const { experts: heads = 1 } = w;
    if (x.shape[1] !== heads * w.cols)
      throw mismatch('headMatmul', `x has ${x.shape[1]} columns, ${w.name} ${heads} heads of ${w.cols}`);
    const y = headMatmulReference(floats(x), w as ReferenceMatrix, heads);
    return this.#forConsumer(f32([x.shape[0], w.rows], y), option);
  }

  rotaryStoreLatent(
    { latent, rope }: LatentQueries,
    kv: Tensor,
    norm: RmsNormSpec,
    rotary: RotarySpec,
    layer: LatentLayer,
    step: Step,
  ): Tensor {
    const slotTable = slotTableOf(step, layer);
    const { maxLength } = (step as ReferenceStep).storage.kv.spec;
    const { rotaryDim, interleaved } = rotary;
    const byToken = rotary.dynamic ? step.batch.rotaryRows : undefined;
    const table = byToken ?? floats(rotary.table);
    const weights = { weight: floats(norm.weight), eps: norm.eps };
    const row = (x: Tensor, t: number) => floats(x).subarray(t * x.shape[1], (t + 1) * x.shape[1]);
    const width = latent.shape[1] + rope.shape[1];
    const queries = new Float32Array(step.numTokens * width);
    for (let t = 0; t < step.numTokens; t++) {
      const position = step.batch.positions[t];
      const slot = step.batch.slots[layer.group][t];
      const at = (byToken ? t : position) * rotaryDim;
      const turn = { cosSin: table.subarray(at, at + rotaryDim), rotaryDim, interleaved };
      storeLatentReference(layer as ReferenceLatentLayer, slot, row(kv, t), weights, turn);
      queries.set(latentQueriesReference(row(latent, t), row(rope, t), layer, turn), t * width);
      slotTable[step.batch.tableRows[t] * maxLength + position] = slot;
    }
    return f32([step.numTokens, width], queries);
  }

  attention(q: Tensor, layer: AttendedLayer, step: Step, spec: AttentionSpec, option?: ConsumerOption): Tensor {
    const slotTable = slotTableOf(step, layer);
    const { maxLength } = (step as ReferenceStep).storage.kv.spec;
    const heads = referenceHeads(layer);
    const [width, outWidth] = [spec.heads * heads.keyDim, spec.heads * heads.valueDim];
    const out = new Float32Array(step.numTokens * outWidth);
    for (let t = 0; t < step.numTokens; t++) {
      const position = step.batch.positions[t];
      const first = step.batch.tableRows[t] * maxLength;
      const slots = slotTable.subarray(first, first + position + 1);
      const query = floats(q).subarray(t * width, (t + 1) * width);
      out.set(attentionReference(query, slots, position, heads, spec), t * outWidth);
    }
    return this.#forConsumer(f32([step.numTokens, outWidth], out), option);
  }

  gatedMul(gateUp: Tensor, activation: GatedActivation, option?: ConsumerOption): Tensor {
    const intermediate = gateUp.shape[1] / 2;
    const y = gatedMulReference(floats(gateUp), intermediate, activation);
    return this.#forConsumer(f32([gateUp.shape[0], intermediate], y), option);
  }

  activate(x: Tensor, activation: Activation, option?: ConsumerOption): Tensor {
    const y = floats(x).map((v) => activationReference(v, activation));
    return this.#forConsumer(f32(x.shape, y), option);
  }

  route(logits: Tensor, spec: RouteSpec): Tensor {
    const [tokens, experts] = logits.shape;
    const bias = spec.bias ? floats(spec.bias) : null;
    return f32([tokens, 2 * spec.k], routeReference(floats(logits), experts, spec, bias));
  }

  expertMatmul(x: Tensor, w: Matrix, routing: Tensor, { bias }: ExpertMatmulOption = {}): Tensor {
    if (x.shape[1] !== w.cols) throw mismatch('expertMatmul', `x has ${x.shape[1]} columns, ${w.name} ${w.cols}`);
    const matrix = w as ReferenceMatrix;
    const pairs = numel(routing.shape) / 2;
    const perInput = pairs / x.shape[0];
    const rowTimes = (i: number, expert: ReferenceMatrix) => product(rowOf(x, i), expert);
    const y = expertMatmulReference(matrix, floats(routing), rowTimes, perInput, bias ? floats(bias) : null);
    return f32([pairs, w.rows / (w.experts ?? 1)], y);
  }

  combine(y: Tensor, routing: Tensor, residual?: Tensor): Tensor {
    const [tokens, width] = routing.shape;
    const columns = y.shape[1];
    const added = residual ? floats(residual) : null;
    return f32([tokens, columns], combineReference(floats(y), columns, floats(routing), width / 2, added));
  }

  sigmoidGate(x: Tensor, gate: Tensor): Tensor {
    return f32(x.shape, sigmoidGateReference(floats(x), x.shape[1], floats(gate), gate.shape[1]));
  }

  shortConv({ of: x, from }: Columns, conv: ShortConvSpec, state: StatePart, step: Step): Tensor {
    const { weight, bias, channels, activation = null, gated = false } = conv;
    const taps = weight.shape[0] / channels;
    const shape = { channels, taps, from, width: x.shape[1], gated, activation };
    const vectors = [floats(weight), bias ? floats(bias) : null] as const;
    return f32([step.numTokens, channels], shortConvReference(floats(x), ...vectors, shape, ...statesOf(state, step)));
  }

  deltaRule(qkv: Tensor, gates: Columns, rule: DeltaRuleSpec, state: StatePart, step: Step): Tensor {
    const vectors = [floats(rule.rate), floats(rule.stepBias)] as const;
    const y = deltaRuleReference(floats(qkv), columns(gates), ...vectors, rule, ...statesOf(state, step));
    return f32([step.numTokens, rule.valueHeads * rule.valueDim], y);
  }

  selectiveScan(xbc: Tensor, steps: Columns, scan: SelectiveScanSpec, state: StatePart, step: Step): Tensor {
    const vectors = { rate: floats(scan.rate), stepBias: floats(scan.stepBias), skip: floats(scan.skip) };
    const y = selectiveScanReference(floats(xbc), columns(steps), vectors, scan, ...statesOf(state, step));
    return f32([step.numTokens, scan.heads * scan.headDim], y);
  }

  gatedNorm(x: Tensor, gate: Columns, norm: GatedNormSpec, option?: ConsumerOption): Tensor {
    const shape = { ...norm, gateWidth: gate.of.shape[1], gateFrom: gate.from };
    const y = gatedNormReference(floats(x), x.shape[1], floats(gate.of), floats(norm.weight), shape);
    return this.#forConsumer(f32(x.shape, y), option);
  }

  takeLogitRows(x: Tensor, step: Step): Tensor {
    const y = takeRowsReference(floats(x), step.batch.logitIndices, x.shape[1]);
    return f32([step.numLogits, x.shape[1]], y);
  }

  takePromptRows(x: Tensor, step: Step): Tensor {
    const indices = step.batch.promptIndices ?? new Uint32Array(0);
    return f32([indices.length, x.shape[1]], takeRowsReference(floats(x), indices, x.shape[1]));
  }

  softmax(x: Tensor): Tensor {
    return f32(x.shape, softmaxReference(floats(x), x.shape[1]));
  }

  argmax(x: Tensor): Tensor {
    return { shape: [x.shape[0]], dtype: 'u32', storage: argmaxReference(floats(x), x.shape[1]) };
  }

  sample(logits: Tensor, step: Step, rows: readonly SamplingRow[]): Tensor {
    const columns = logits.shape[1];
    const { tokens } = (step as ReferenceStep).storage.kv.storage;
    const ids = rows.map((row, l) => {
      const t = step.batch.logitIndices[l];
      const first = step.batch.tableRows[t] * (step as ReferenceStep).storage.kv.spec.maxLength;
      const known = tokens.subarray(first, first + step.batch.positions[t] + 1);
      return sampleReference(floats(logits).slice(l * columns, (l + 1) * columns), row, known);
    });
    return { shape: [rows.length], dtype: 'u32', storage: Uint32Array.from(ids) };
  }

  topLogprobs(logits: Tensor, ids: Tensor, rows: readonly number[], width: number): Tensor {
    const columns = logits.shape[1];
    const listed = rows.flatMap((l) => {
      const row = floats(logits).subarray(l * columns, (l + 1) * columns);
      const { logprob, top } = topLogprobsReference(row, (ids.storage as Uint32Array)[l], width);
      if (isSpoiled(row)) return [1, ...new Array<number>(2 * width).fill(0)];
      return [logprob, ...top.flatMap((entry) => [entry.id, entry.logprob])];
    });
    return f32([rows.length, 1 + 2 * width], Float32Array.from(listed));
  }

  storeLastTokens(ids: Tensor, step: Step): void {
    const { storage, spec } = (step as ReferenceStep).storage.kv;
    step.batch.logitIndices.forEach((index, l) => {
      const sampled = (ids.storage as Uint32Array)[l];
      const id = sampled === NO_TOKEN ? 0 : sampled;
      const tableRow = step.batch.tableRows[index];
      const next = step.batch.positions[index] + 1;
      storage.lastTokens[tableRow] = id;
      if (next < spec.maxLength) storage.tokens[tableRow * spec.maxLength + next] = id;
    });
  }

  async read(x: Tensor): Promise<Float32Array | Uint32Array> {
    return x.dtype === 'u32' ? (x.storage as Uint32Array).slice() : floats(x).slice();
  }

  destroy(): void {
    // Nothing but garbage-collected arrays.
  }

  /** The form in which the consuming matrix product wants x. */
  #forConsumer(x: Tensor, option: ConsumerOption | undefined, top?: number): Tensor {
    const format = option?.to?.format;
    if (this.#activations === 'f32' || (format !== 'int8' && format !== 'int4')) return x;
    const [tokens, features] = x.shape;
    return { shape: x.shape, dtype: 'q8', storage: quantizeReference(floats(x), tokens, features, top) };
  }
}

function columns({ of: x, from }: Columns): { data: Float32Array; width: number; from: number } {
  return { data: floats(x), width: x.shape[1], from };
}

/** A layer's states, where a row's part begins, and the step's runs. */
function statesOf({ layer, offset }: StatePart, { batch }: Step) {
  const { states } = (layer as ReferenceStateLayer).storage;
  return [states, (row: number) => row * layer.floats + offset, batch.stateRuns ?? []] as const;
}

function referenceHeads(layer: AttendedLayer): ReferenceHeads {
  if (layer.kind === 'kv') return { ...headShape(layer), ...(layer as ReferenceKVLayer).storage };
  const { latents } = (layer as ReferenceLatentLayer).storage;
  return { ...headShape(layer), keys: latents, values: latents };
}

/** Of the layer's group. */
function slotTableOf(step: Step, { group }: AttendedLayer): Uint32Array {
  return (step as ReferenceStep).storage.kv.storage.slotTables[group];
}

function f32(shape: Shape, storage: Float32Array): Tensor {
  return { shape, dtype: 'f32', storage };
}

/** x · wᵀ, of integers where both are. */
function product(x: Tensor, w: ReferenceMatrix): Float32Array {
  const integers = x.dtype === 'q8' && (w.format === 'int8' || w.format === 'int4');
  return integers ? matmulQuantizedReference(x.storage as QuantizedActivation, w) : matmulReference(floats(x), w);
}

/** That row of an f32 or q8 tensor. */
function rowOf(x: Tensor, i: number): Tensor {
  const [rows, columns] = x.shape;
  const part = <A extends Float32Array | Int16Array>(all: A): A =>
    all.subarray((i * all.length) / rows, ((i + 1) * all.length) / rows) as A;
  if (x.dtype !== 'q8') return f32([1, columns], part(floats(x)));
  const { q, scale } = x.storage as QuantizedActivation;
  return { shape: [1, columns], dtype: 'q8', storage: { q: part(q), scale: part(scale) } };
}

/** The values of an f32 or q8 tensor. */
function floats(x: Tensor): Float32Array {
  if (x.dtype === 'q8') return dequantizeReference(x.storage as QuantizedActivation, x.shape[0], x.shape[1]);
  return x.storage as Float32Array;
}

function mismatch(op: string, message: string): EngineError {
  return new EngineError('internal_error', `${op}: ${message}`);
}
