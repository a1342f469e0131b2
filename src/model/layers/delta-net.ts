/**
 * Gated DeltaNet (Yang et al. 2024, arXiv:2412.06464), a block that mixes tokens by a recurrent state in place of attention,
 * written over Ops: a short convolution, the gated delta rule, and a norm of each head's result with a gate. Hk/Hv = key and value
 * heads, Dk/Dv = their dimensions, K = taps; T = tokens of the step, H = hidden_size. As in transformers' modeling_qwen3_next.py.
 */
import type { Activation, Linear, ModelOps, StateLayer, Step } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { lin, paramVec, vec, type HeadPart, type LinSpec, type VecSpec } from '../weights/spec.ts';
import { linear } from './decoder-layer.ts';

export interface DeltaNetDims {
  readonly keyHeads: number;
  /** A multiple of keyHeads. */
  readonly valueHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** Tokens that the convolution sees, the own one included. */
  readonly convTaps: number;
}

// A type, not an interface: a branch of the tree of weights.
export type DeltaNetWeights = {
  /** [2·Hk·Dk + 2·Hv·Dv, H]: queries, keys, values, and the gate of the norm. */
  readonly qkvz: LinSpec;
  /** [2·Hv, H]: b (how much of a value is written) and a (how much of the state decays). */
  readonly ba: LinSpec;
  /** [(2·Hk·Dk + Hv·Dv)·K] */
  readonly conv: VecSpec;
  readonly rate: VecSpec;
  readonly stepBias: VecSpec;
  /** [Dv] */
  readonly norm: VecSpec;
  /** [H, Hv·Dv] */
  readonly out: LinSpec;
};

/** Columns: queries and keys each, values, and what the convolution mixes, which is all three. */
function widths({ keyHeads, valueHeads, keyDim, valueDim }: DeltaNetDims) {
  const values = valueHeads * valueDim;
  return { values, conv: 2 * keyHeads * keyDim + values };
}

/** The last inputs of the convolution, and a matrix [Dk, Dv] for each value head. */
export function deltaNetFloats(c: DeltaNetDims): number {
  return (c.convTaps - 1) * widths(c).conv + c.valueHeads * c.keyDim * c.valueDim;
}

/**
 * Checkpoints have the rows of a key head together, its own and those of its value heads.
 * @param hasZApart z is a matrix of its own, and the other holds all queries, all keys, all values
 */
export function deltaNetWeights(
  c: DeltaNetDims,
  hiddenSize: number,
  prefix: string,
  hasZApart: boolean,
): DeltaNetWeights {
  const { values, conv } = widths(c);
  const { keyHeads: heads, valueHeads, keyDim, valueDim, convTaps } = c;
  const shared = valueHeads / heads;
  return {
    qkvz: lin(
      hasZApart
        ? { [`${prefix}.in_proj_qkv`]: conv, [`${prefix}.in_proj_z`]: values }
        : { [`${prefix}.in_proj_qkvz`]: inGroups(heads, [keyDim, keyDim, shared * valueDim, shared * valueDim]) },
      hiddenSize,
    ),
    ba: lin({ [`${prefix}.in_proj_ba`]: inGroups(heads, [shared, shared]) }, hiddenSize),
    conv: vec(`${prefix}.conv1d`, conv * convTaps, { shape: [conv, 1, convTaps] }),
    rate: paramVec(`${prefix}.A_log`, valueHeads, { isLog: true }),
    stepBias: paramVec(`${prefix}.dt_bias`, valueHeads),
    norm: vec(`${prefix}.norm`, valueDim),
    out: lin({ [`${prefix}.out_proj`]: hiddenSize }, values),
  };
}

/** Parts that lie side by side in each group of rows. */
function inGroups(heads: number, counts: readonly number[]): HeadPart[] {
  const size = counts.reduce((n, count) => n + count, 0);
  let from = 0;
  return counts.map((count) => {
    const part = { heads, size, from, count };
    from += count;
    return part;
  });
}

/** The block of a layer: weights as loaded, and how to compute with them. */
export interface DeltaNetBlock {
  readonly qkvz: Linear;
  readonly ba: Linear;
  readonly conv: Tensor;
  readonly rate: Tensor;
  readonly stepBias: Tensor;
  readonly norm: Tensor;
  readonly out: Linear;
  readonly dims: DeltaNetDims;
  /** Behind the convolution. */
  readonly activation: Activation;
  /** Of the norm. */
  readonly eps: number;
  readonly cache: StateLayer;
}

/** x [T, H], normalized → [T, H] (+ residual). x comes without `to`, as `attend` wants it. */
export function deltaNet(ops: ModelOps, x: Tensor, block: DeltaNetBlock, step: Step, residual?: Tensor): Tensor {
  const { dims, conv: weight, activation, rate, stepBias, eps, cache: layer, out } = block;
  const { conv: channels } = widths(dims);
  const qkvz = linear(ops, x, block.qkvz);
  const ba = linear(ops, x, block.ba);
  const qkv = ops.shortConv({ of: qkvz, from: 0 }, { channels, weight, activation }, { layer, offset: 0 }, step);
  const { keyHeads, valueHeads, keyDim, valueDim, convTaps } = dims;
  const rule = { keyHeads, valueHeads, keyDim, valueDim, rate, stepBias };
  const state = { layer, offset: (convTaps - 1) * channels };
  const mixed = ops.deltaRule(qkv, { of: ba, from: 0 }, rule, state, step);
  const norm = { weight: block.norm, over: valueDim, gatesFirst: false, eps };
  const z = ops.gatedNorm(mixed, { of: qkvz, from: channels }, norm, { to: out.weight });
  return linear(ops, ops.named('linear_attn.hook_z', z), out, residual);
}
