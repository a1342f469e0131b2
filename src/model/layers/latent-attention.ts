/**
 * Multi-head latent attention (MLA: DeepSeek-V2, arXiv 2405.04434, section 2.1): keys and values of all heads are products of one
 * latent a token, which alone is cached. It is computed absorbed, in prefill and decode alike: queries go through the key
 * matrices, attention runs over latents, and what it gives goes through the value matrices. Hq = heads, r = kv_lora_rank,
 * nope, rope, v = the dimensions of a head's queries without and with positions, and of its values.
 */
import type { LatentLayer, Linear, Matrix, ModelOps, RotarySpec, Step } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { headMatrices, lin, vec, type HeadsSpec, type LinSpec, type VecSpec } from '../weights/spec.ts';
import { linear } from './decoder-layer.ts';

/** Its dimensions, as config.json names them. */
export interface LatentDims {
  readonly numAttentionHeads: number;
  /** Null: queries come from the hidden state at once. */
  readonly qLoraRank: number | null;
  readonly kvLoraRank: number;
  readonly qkNopeHeadDim: number;
  readonly qkRopeHeadDim: number;
  readonly vHeadDim: number;
}

/** Norms of latents have this epsilon, whatever rms_norm_eps says (transformers' DeepSeek-V2 and its checkpoints' own code). */
const LATENT_EPS = 1e-6;

// A type, not an interface: a branch of the tree of weights.
export type LatentAttentionWeights = {
  /** [q_lora_rank, H] and the norm behind it. */
  readonly qA: LinSpec | null;
  readonly qNorm: VecSpec | null;
  /** [Hq·nope, q_lora_rank or H] */
  readonly qNope: LinSpec;
  /** [Hq·rope, the same] */
  readonly qRope: LinSpec;
  /** [r + rope, H] */
  readonly kvA: LinSpec;
  readonly kvNorm: VecSpec;
  /** For each head [r, nope]: the key part of kv_b_proj, transposed. */
  readonly headKeys: HeadsSpec;
  /** For each head [v, r]: the value part. */
  readonly headValues: HeadsSpec;
  /** [H, Hq·v] */
  readonly o: LinSpec;
};

/** @param bias of q_a_proj, kv_a_proj_with_mqa and o_proj: `attention_bias` */
export function latentAttentionWeights(
  c: LatentDims & { readonly hiddenSize: number },
  prefix: string,
  bias: boolean,
): LatentAttentionWeights {
  const { hiddenSize: h, numAttentionHeads: heads, qLoraRank, kvLoraRank: rank, vHeadDim } = c;
  const { qkNopeHeadDim: nope, qkRopeHeadDim: rope } = c;
  const name = (part: string) => `${prefix}.self_attn.${part}`;
  const q = name(qLoraRank === null ? 'q_proj' : 'q_b_proj');
  const queries = (from: number, count: number) =>
    lin({ [q]: [{ heads, size: nope + rope, from, count }] }, qLoraRank ?? h);
  const part = (from: number, count: number) => ({ heads, size: nope + vHeadDim, from, count });
  const kvB = name('kv_b_proj');
  return {
    qA: qLoraRank === null ? null : lin({ [name('q_a_proj')]: qLoraRank }, h, { bias }),
    qNorm: qLoraRank === null ? null : vec(name('q_a_layernorm'), qLoraRank),
    qNope: queries(0, nope),
    qRope: queries(nope, rope),
    kvA: lin({ [name('kv_a_proj_with_mqa')]: rank + rope }, h, { bias }),
    kvNorm: vec(name('kv_a_layernorm'), rank),
    headKeys: headMatrices(kvB, rank, part(0, nope), { transposed: true, ownName: name('k_b_proj') }),
    headValues: headMatrices(kvB, rank, part(nope, vHeadDim), { ownName: name('v_b_proj') }),
    o: lin({ [name('o_proj')]: h }, heads * vHeadDim, { bias }),
  };
}

/** The attention of a layer: weights as loaded, and how to compute with them. */
export interface LatentAttentionBlock {
  readonly qA: Linear | null;
  readonly qNorm: Tensor | null;
  readonly qNope: Linear;
  readonly qRope: Linear;
  readonly kvA: Linear;
  readonly kvNorm: Tensor;
  readonly headKeys: Matrix;
  readonly headValues: Matrix;
  readonly o: Linear;
  readonly rotary: RotarySpec;
  readonly heads: number;
  /** Of scores. */
  readonly scale: number;
  readonly cache: LatentLayer;
}

/** x [T, H], normalized → [T, H] (+ residual). x comes without `to`, as `attend` wants it. */
export function attendLatents(
  ops: ModelOps,
  x: Tensor,
  block: LatentAttentionBlock,
  step: Step,
  residual?: Tensor,
): Tensor {
  const { qA, qNorm, heads, scale, cache, o } = block;
  const eps = LATENT_EPS;
  const compressed = qA && linear(ops, x, qA);
  const qIn = compressed && qNorm ? ops.norm(compressed, { kind: 'rms', weight: qNorm, eps }) : x;
  const latent = ops.headMatmul(linear(ops, qIn, block.qNope), block.headKeys);
  const rope = linear(ops, qIn, block.qRope);
  const kv = linear(ops, x, block.kvA);
  const norm = { kind: 'rms', weight: block.kvNorm, eps } as const;
  const q = ops.rotaryStoreLatent({ latent, rope }, kv, norm, block.rotary, cache, step);
  const attended = ops.attention(q, cache, step, { heads, scale });
  const z = ops.headMatmul(attended, block.headValues, { to: o.weight });
  return linear(ops, ops.named('attn.hook_z', z), o, residual);
}
