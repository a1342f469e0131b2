/** What a model takes in device memory, known before anything is allocated, and how many KV slots fit beside it. */
import { EngineError } from '../../errors.ts';
import { matrixBytes, type MatrixShape, type WeightFormat } from '../../tensor/matrix.ts';
import type { ModelConfig } from '../config.ts';
import type { PlannedLinear, WeightPlan } from './weight-plan.ts';

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
export function planBytes(plan: WeightPlan): PlannedBytes {
  const linears: PlannedLinear[] = plan.layers.flatMap((layer) => [layer.qkv, layer.o, layer.gateUp, layer.down]);
  const matrices: MatrixShape[] = [
    plan.embedTokens,
    ...linears.map((linear) => linear.weight),
    ...(plan.lmHead ? [plan.lmHead] : []),
  ];
  const byFormat = new Map<WeightFormat, number>();
  for (const matrix of matrices) byFormat.set(matrix.format, (byFormat.get(matrix.format) ?? 0) + matrixBytes(matrix));
  const norms = plan.layers.reduce((n, l) => n + l.inputNorm.length + l.postAttentionNorm.length, plan.norm.length);
  const vectorLength = linears.reduce((n, linear) => n + (linear.bias?.length ?? 0), norms);
  const matrixTotal = [...byFormat.values()].reduce((n, bytes) => n + bytes, 0);
  return {
    total: matrixTotal + vectorLength * 4,
    byFormat,
    vectors: vectorLength * 4,
    parameters: matrices.reduce((n, m) => n + m.rows * m.cols, vectorLength),
  };
}

/** Keys and values of one token in all layers. */
export function kvBytesPerToken(config: ModelConfig, dtype: 'f16' | 'f32'): number {
  return 2 * config.numHiddenLayers * config.numKeyValueHeads * config.headDim * (dtype === 'f16' ? 2 : 4);
}

/**
 * f32 activations of one step of `tokens` tokens of which `logits` are wanted: one layer's, whose memory the next one
 * reuses, and the residual stream that each layer leaves behind until the step ends. Sampling keeps of each row of logits
 * a changed copy, how often each token was there, and at most 16384 candidates with their ids (kernels/sample).
 */
export function activationBytes(config: ModelConfig, tokens: number, logits: number): number {
  const q = config.numAttentionHeads * config.headDim;
  const kv = config.numKeyValueHeads * config.headDim;
  const residuals = (config.numHiddenLayers + 1) * config.hiddenSize;
  const perToken = residuals + 3 * config.hiddenSize + (2 * q + 2 * kv) + q + 3 * config.intermediateSize;
  return 4 * (tokens * perToken + logits * (config.hiddenSize + 3 * config.vocabSize + 2 * 16384));
}

/**
 * KV slots that fit into `budget` bytes beside weights and activations (`max_total_token_num` when not given). Each slot
 * is charged a row of the rotary table too: one request may use them all. Throws out_of_memory when not one fits.
 */
export function maxTotalTokenNum(
  budget: number,
  weightBytes: number,
  stepBytes: number,
  config: ModelConfig,
  dtype: 'f16' | 'f32',
): number {
  const perToken = kvBytesPerToken(config, dtype) + config.headDim * 4;
  const slots = Math.floor((budget - weightBytes - stepBytes) / perToken);
  if (slots >= 1) return slots;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new EngineError(
    'out_of_memory',
    `weights (${mb(weightBytes)}) and activations (${mb(stepBytes)}) leave no room for the KV cache in ${mb(budget)}; raise --mem_fraction, lower --batch_max_tokens or use --quant int4`,
    { param: 'mem_fraction' },
  );
}
