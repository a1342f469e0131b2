/**
 * Which stored tensors become which weights, checked before anything is read: every tensor that the config asks for is
 * there in the right shape, and none is left over. q, k and v become one matrix, gate and up another.
 */
import type { Quantization } from '../../config.ts';
import type { MatrixShape, MatrixSource } from '../../tensor/matrix.ts';
import { quantizedSource } from '../../tensor/quantize.ts';
import type { ModelConfig } from '../config.ts';
import { notReadable } from '../files/model-file.ts';
import { watchFinite } from './finite.ts';
import { planScoreHead, type ScoreHead } from '../layers/score-head.ts';
import { stackRows, widen } from '../files/sources.ts';
import { readVector, type StoredTensor, type TensorTable } from '../files/stored-tensor.ts';

export interface PlannedVector {
  readonly length: number;
  readonly read: () => Float32Array;
}

/** A matrix of the model; each `open` gives a new source, whose read buffers are gone with it. */
export interface PlannedMatrix extends MatrixShape {
  readonly open: () => MatrixSource;
}

export interface PlannedLinear {
  readonly weight: PlannedMatrix;
  readonly bias: PlannedVector | null;
}

export interface PlannedLayer {
  readonly inputNorm: PlannedVector;
  readonly qkv: PlannedLinear;
  readonly o: PlannedLinear;
  readonly postAttentionNorm: PlannedVector;
  readonly gateUp: PlannedLinear;
  readonly down: PlannedLinear;
}

/** DecoderWeights (layers.ts) before they are read. */
export interface WeightPlan {
  readonly embedTokens: PlannedMatrix;
  readonly layers: readonly PlannedLayer[];
  readonly norm: PlannedVector;
  /** Null when tied to embedTokens, and in a reward model. */
  readonly lmHead: PlannedMatrix | null;
  /** Reads the head of a reward model; null for a model that generates. */
  readonly readScoreHead: (() => ScoreHead) | null;
}

/** Derived at run time from the config; old checkpoints and converters store them nevertheless. */
const derived = [
  /^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$/,
  /^blk\.\d+\.attn_rot_embd\.weight$/,
  /^rope_freqs\.weight$/,
];

/** What planWeights needs of an OpenModel. */
export interface PlannableModel {
  readonly path: string;
  readonly config: ModelConfig;
  readonly tensors: TensorTable;
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
  const { tensors, config } = model;
  const used = new Set<string>();
  const take = (name: string, shape: readonly number[]) => {
    used.add(name);
    const tensor = checked(tensors.get(name), name, shape, model.path);
    return { ...tensor, source: () => watchFinite(tensor.source(), () => onNonFinite(name)) };
  };
  const vocabulary = [config.vocabSize, config.hiddenSize];
  const table = (name: string) => {
    const stored = take(name, vocabulary);
    return planned(() => inFormat(stored.source(), quant === 'int4' ? 'atMostInt8' : quant));
  };
  const readScoreHead = planScoreHead(tensors, config, take);
  const headless = config.tieWordEmbeddings || readScoreHead !== null;
  const plan: WeightPlan = {
    embedTokens: table('model.embed_tokens.weight'),
    layers: Array.from({ length: config.numHiddenLayers }, (_, i) => planLayer(i, config, quant, take)),
    norm: vector([take('model.norm.weight', [config.hiddenSize])]),
    lmHead: headless ? null : table('lm_head.weight'),
    readScoreHead,
  };
  // A tied head may be stored a second time; the config says that the embedding is the one to use.
  if (headless) used.add('lm_head.weight');
  refuseUnknown(tensors, used);
  return plan;
}

type Take = (name: string, shape: readonly number[]) => StoredTensor;

function planLayer(i: number, config: ModelConfig, quant: Quantization, take: Take): PlannedLayer {
  const { hiddenSize: h, intermediateSize, headDim, biases } = config;
  const q = config.numAttentionHeads * headDim;
  const kv = config.numKeyValueHeads * headDim;
  const prefix = `model.layers.${i}`;
  const norm = (name: string) => vector([take(`${prefix}.${name}.weight`, [h])]);
  /** Projections with the same input, [out features of each, inputs], stacked. */
  const linear = (label: string, parts: readonly (readonly [string, number])[], cols: number, bias: boolean) => {
    const weights = parts.map(([part, rows]) => take(`${prefix}.${part}.weight`, [rows, cols]));
    const open = () => {
      const sources = weights.map((weight) => inFormat(weight.source(), quant));
      return sources.length === 1 ? sources[0] : stackRows(`${prefix}.${label}.weight`, sources);
    };
    return {
      weight: planned(open),
      bias: bias ? vector(parts.map(([part, rows]) => take(`${prefix}.${part}.bias`, [rows]))) : null,
    };
  };
  const attn = (part: string) => `self_attn.${part}_proj`;
  const mlp = (part: string) => `mlp.${part}_proj`;
  const qkvParts = [[attn('q'), q] as const, [attn('k'), kv] as const, [attn('v'), kv] as const];
  const gateUpParts = [[mlp('gate'), intermediateSize] as const, [mlp('up'), intermediateSize] as const];
  return {
    inputNorm: norm('input_layernorm'),
    qkv: linear('self_attn.qkv_proj', qkvParts, h, biases.qkv),
    o: linear(attn('o'), [[attn('o'), h]], q, biases.o),
    postAttentionNorm: norm('post_attention_layernorm'),
    gateUp: linear('mlp.gate_up_proj', gateUpParts, h, biases.mlp),
    down: linear(mlp('down'), [[mlp('down'), h]], intermediateSize, biases.mlp),
  };
}

/** Opened once to learn its shape and format, which also refuses what cannot be a weight. */
function planned(open: () => MatrixSource): PlannedMatrix {
  const { name, rows, cols, format, groupSize } = open();
  return { name, rows, cols, format, groupSize, open };
}

function vector(parts: readonly StoredTensor[]): PlannedVector {
  return {
    length: parts.reduce((n, part) => n + part.shape[0], 0),
    read: () => Float32Array.from(parts.flatMap((part) => [...readVector(part)])),
  };
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

function checked(tensor: StoredTensor | undefined, name: string, shape: readonly number[], path: string): StoredTensor {
  if (!tensor) throw notReadable(path, `tensor ${name} is missing; the config asks for [${shape.join(', ')}]`);
  if (tensor.shape.length === shape.length && tensor.shape.every((d, i) => d === shape[i])) return tensor;
  throw notReadable(
    tensor.file,
    `tensor ${name} is [${tensor.shape.join(', ')}]; the config asks for [${shape.join(', ')}]`,
  );
}

function refuseUnknown(tensors: TensorTable, used: ReadonlySet<string>): void {
  const unknown = [...tensors.keys()].filter((name) => !used.has(name) && !derived.some((d) => d.test(name)));
  if (unknown.length === 0) return;
  const [first] = unknown;
  const named = unknown.slice(0, 5).join(', ') + (unknown.length > 5 ? ` and ${unknown.length - 5} more` : '');
  throw notReadable(
    tensors.get(first)?.file ?? '',
    `this architecture has no place for ${named}; is model_type right?`,
  );
}
