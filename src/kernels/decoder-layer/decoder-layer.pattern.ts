/**
 * The ops that the fused decoder layer stands for, found in a recording: norm, product, norms of heads, rotation, attention,
 * product with residual, norm, product, gate, product with residual; behind each product what adapters add, in steps that
 * have some. Every argument and every field is taken out by name,
 * so that one that is new does not compile here before somebody has said what the kernel makes of it; at run time it means
 * op by op. Which of these layers the kernel can do is its own business (decoder-layer.lavapipe.ts).
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { AttentionSpec, GatedActivation, HeadNorms, KVLayer, Linear, RotarySpec, Step } from '../ops.ts';
import type { Node, NodeOf } from '../program/recording.ts';
import { consumer, isNothing, readNorm, readProduct, Walk } from '../program/walk.ts';

/** A pre-norm decoder layer, x [T, H] → [T, H]: H = hidden_size, I = intermediate_size. */
export interface DecoderLayer {
  readonly x: Tensor;
  readonly step: Step;
  /** [H] */
  readonly inputNorm: Tensor;
  /** [(Hq + 2·Hkv)·D, H] */
  readonly qkv: Linear;
  /** Between qkv and the rotation; null in most. */
  readonly headNorms: HeadNorms | null;
  /** [H, Hq·D] */
  readonly o: Linear;
  /** [H] */
  readonly postAttentionNorm: Tensor;
  /** [2·I, H]: gate and up stacked. */
  readonly gateUp: Linear;
  /** [H, I] */
  readonly down: Linear;
  /** Of all its RMSNorms. */
  readonly eps: number;
  readonly activation: GatedActivation;
  readonly rotary: RotarySpec;
  readonly attention: AttentionSpec;
  readonly kv: KVLayer;
}

/** The layer that begins at a node, and how many nodes it is; null where there is none, or more than a layer. */
export function findDecoderLayer(
  nodes: readonly Node[],
  at: number,
): { readonly layer: DecoderLayer; readonly count: number } | null {
  const walk = new Walk(nodes, at);
  const norm = walk.next('norm');
  const qkvProduct = walk.product();
  const headNormNode = walk.next('headNorm');
  const rotated = walk.next('rotaryStoreKV');
  const attended = walk.next('attention');
  const oProduct = walk.product();
  const mlpNorm = walk.next('norm');
  const gateUpProduct = walk.product();
  const gated = walk.next('gatedMul');
  const downProduct = walk.product();
  if (!norm || !qkvProduct || !rotated || !attended || !oProduct) return null;
  if (!mlpNorm || !gateUpProduct || !gated || !downProduct) return null;

  const input = readNorm(norm);
  const headNorm = headNormNode && readHeadNorm(headNormNode, qkvProduct.output);
  const [qkvIn, rotary, kv, step, ...more] = rotated.args;
  const [q, attentionKv, attentionStep, attention, toO, ...evenMore] = attended.args;
  const [gateUpOut, activation, toDown, ...most] = gated.args;
  if (!input || (headNormNode && !headNorm)) return null;
  if (!isNothing(more) || !isNothing(evenMore) || !isNothing(most)) return null;
  const qkv = readProduct(qkvProduct, norm.output, null);
  const o = readProduct(oProduct, attended.output, input.x);
  const postAttention = readNorm(mlpNorm);
  const gateUp = readProduct(gateUpProduct, mlpNorm.output, null);
  const down = readProduct(downProduct, gated.output, oProduct.output);
  if (!qkv || !o || !postAttention || !gateUp || !down || !rotary) return null;

  const isWired =
    qkvIn === (headNorm ? headNorm.output : qkvProduct.output) &&
    q === rotated.output &&
    postAttention.x === oProduct.output &&
    gateUpOut === gateUpProduct.output;
  const isOneLayer = attentionKv === kv && attentionStep === step && (headNorm?.kv ?? kv) === kv;
  const hasOneEps = postAttention.eps === input.eps && (headNorm?.eps ?? input.eps) === input.eps;
  const consumers = [
    consumer(norm.args[2]) === null,
    consumer(toO) === o.weight,
    consumer(mlpNorm.args[2]) === gateUp.weight,
    consumer(toDown) === down.weight,
  ];
  if (!isWired || !isOneLayer || !hasOneEps || !consumers.every(Boolean)) return null;
  const layer: DecoderLayer = {
    ...{ x: input.x, step, eps: input.eps, inputNorm: input.weight, postAttentionNorm: postAttention.weight },
    ...{ qkv, o, gateUp, down, headNorms: headNorm?.norms ?? null, activation, rotary, attention, kv },
  };
  return { layer, count: walk.at - at };
}

function readHeadNorm(
  { args: [qkv, norms, eps, kv, ...more], output }: NodeOf<'headNorm'>,
  product: Tensor,
): { norms: HeadNorms; eps: number; kv: KVLayer; output: Tensor } | null {
  const { query: _1, key: _2, kind: _3, over: _4, ...unknown } = norms;
  const isKnown = isNothing(unknown) && isNothing(more);
  return isKnown && qkv === product ? { norms, eps, kv, output } : null;
}
