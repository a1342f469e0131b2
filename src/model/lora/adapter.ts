/** An adapter of a model, in host memory: for each linear layer that it changes what the device wants of it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError, oneLine } from '../../errors.ts';
import type { LoraPart, LoraWeights } from '../../kernels/ops.ts';
import { f32ToF16 } from '../../tensor/f16.ts';
import type { MatrixSource } from '../../tensor/matrix.ts';
import { dequantizeRows } from '../../tensor/rows.ts';
import type { AnyArchitecture } from '../architecture.ts';
import type { DecoderConfig, ModelConfig } from '../config.ts';
import { notReadable } from '../files/model-file.ts';
import { apart, partOfHeads, reorderRows } from '../files/row-order.ts';
import { unpermuteHeads } from '../files/sources.ts';
import { adaptedLinears, loraShape, type LinPart, type LinSpec } from '../weights/spec.ts';
import { openAdapterTensors, type AdapterPair, type AdapterTensors } from './adapter-tensors.ts';

/** What of a model an adapter depends on. */
export interface AdaptedModel {
  readonly architecture: AnyArchitecture;
  readonly config: ModelConfig;
}

export interface Adapter {
  /** The highest of any layer. */
  readonly rank: number;
  /** By the layer's name (Lora.name); those that it leaves alone are not there. */
  readonly layers: ReadonlyMap<string, LoraWeights>;
  /** In host memory. */
  readonly bytes: number;
}

/**
 * Reads an adapter whole, a layer in each turn of the event loop.
 * @throws EngineError model_not_readable, unsupported_model
 */
export async function readAdapter(path: string, model: AdaptedModel): Promise<Adapter> {
  const tensors = openAdapter(path, model);
  try {
    const layers = new Map<string, LoraWeights>();
    for (const spec of linears(model)) {
      const weights = spec.parts.map((part) => readPart(tensors, spec, part, model));
      if (weights.some((part) => part !== null)) layers.set(loraShape(spec).name, weights);
      await nextTurn();
    }
    const parts = [...layers.values()].flat().filter((part) => part !== null);
    const rank = parts.reduce((most, part) => Math.max(most, part.rank), 0);
    return { rank, layers, bytes: parts.reduce((n, { a, b }) => n + a.byteLength + b.byteLength, 0) };
  } finally {
    tensors.close();
  }
}

/** The highest rank of any layer, of which no weight is read. */
export function adapterRank(path: string, model: AdaptedModel): number {
  const tensors = openAdapter(path, model);
  tensors.close();
  return [...tensors.pairs.values()].reduce((most, { a }) => Math.max(most, a.shape[0]), 0);
}

/** Opens the files; layers that the model does not have, or that no adapter can change, are refused by name. */
function openAdapter(path: string, model: AdaptedModel): AdapterTensors {
  const { architecture } = model;
  const nameOf = (stored: string) => (architecture.tensorName ? architecture.tensorName(stored) : stored);
  const tensors = openAdapterTensors(path, architecture.gguf, nameOf);
  try {
    checkLayers(tensors, model);
  } catch (error) {
    tensors.close();
    throw error;
  }
  return tensors;
}

function linears({ architecture, config }: AdaptedModel): LinSpec[] {
  return adaptedLinears(architecture.weights(config));
}

function checkLayers({ path, pairs }: AdapterTensors, model: AdaptedModel): void {
  const shapes = new Map(
    linears(model).flatMap(({ parts, cols }) => parts.map(({ name, rows }) => [name, { rows, cols }] as const)),
  );
  for (const [layer, { a, b }] of pairs) {
    const shape = shapes.get(layer);
    if (!shape)
      throw new EngineError(
        'unsupported_model',
        `${path}: ${oneLine(`it changes ${layer}, which is no linear layer of this model's blocks: embeddings, heads, routers and experts take no adapters here`)}`,
      );
    const [rank, cols] = a.shape;
    const [rows, rankB] = b.shape;
    if (rank === rankB && rank > 0 && cols === shape.cols && rows === shape.rows) continue;
    throw notReadable(
      path,
      `${layer}: A is [${a.shape.join(', ')}] and B [${b.shape.join(', ')}]; the model asks for [rank, ${shape.cols}] and [${shape.rows}, rank]`,
    );
  }
}

function readPart(tensors: AdapterTensors, spec: LinSpec, part: LinPart, model: AdaptedModel): LoraPart | null {
  const pair = tensors.pairs.get(part.name);
  if (!pair) return null;
  const rank = pair.a.shape[0];
  const a = toHalf(pair.a.source(), pair.a.file);
  const b = toHalf(inOrder(tensors, pair, spec, part, model), pair.b.file);
  if (a.scale === 0 || b.scale === 0 || pair.scale === 0 || part.rows === 0) return null;
  return { rank, scale: pair.scale * a.scale * b.scale, a: a.bits, b: b.bits };
}

/** B with its rows as the model has them. */
function inOrder(
  { isGguf }: AdapterTensors,
  { b }: AdapterPair,
  { fused }: LinSpec,
  { name, taken }: LinPart,
  { architecture, config }: AdaptedModel,
): MatrixSource {
  if (taken) return reorderRows(b.source(), taken.flatMap(partOfHeads));
  if (!isGguf) return fused ? reorderRows(b.source(), apart(fused)) : b.source();
  if (!architecture.gguf?.permutesQK) return b.source();
  const { numAttentionHeads, numKeyValueHeads } = config as DecoderConfig;
  if (/\.q_proj$/.test(name)) return unpermuteHeads(b.source(), numAttentionHeads);
  return /\.k_proj$/.test(name) ? unpermuteHeads(b.source(), numKeyValueHeads) : b.source();
}

/** As f16 of at most 2¹⁵, and the power of two that they are multiplied with: small weights keep their digits. */
function toHalf(source: MatrixSource, file: string): { bits: Uint16Array; scale: number } {
  const { name, rows, cols, groupSize } = source;
  const values = dequantizeRows(source.readRows(0, rows), rows, cols, groupSize);
  if (!values.every(Number.isFinite)) throw notReadable(file, `tensor ${name} holds NaN or infinity`);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return { bits: new Uint16Array(values.length), scale: 0 };
  const scale = 2 ** (Math.ceil(Math.log2(largest)) - 15);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = f32ToF16(values[i] / scale);
  return { bits, scale };
}
