/**
 * A product with what stands around it in a recording: an RMSNorm of its input alone, a gate over its result, or both. Ops,
 * arguments and fields that are not named here mean op by op (program/walk.ts).
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { GatedActivation, Linear } from '../ops.ts';
import type { Node } from '../program/recording.ts';
import { consumer, isNothing, readNorm, readProduct, Walk } from '../program/walk.ts';

/** x [T, K] f32, weight [N, K] → [T, N], or [T, N / 2] where a gate follows. */
export interface FusedMatmul {
  readonly x: Tensor;
  /** weight [K]; null: x comes as it is. */
  readonly norm: { readonly weight: Tensor; readonly eps: number } | null;
  readonly linear: Linear;
  /** The rows of the matrix are those of the gate, then those of up; null: the product is the result. */
  readonly activation: GatedActivation | null;
}

/** What begins at a node, and how many nodes it is; null where a product has neither. */
export function findFusedMatmul(
  nodes: readonly Node[],
  at: number,
): { readonly found: FusedMatmul; readonly count: number } | null {
  const walk = new Walk(nodes, at);
  const normNode = walk.next('norm');
  const norm = normNode && readNorm(normNode);
  const product = walk.product();
  if ((normNode && !norm) || !product) return null;
  const x = norm?.x ?? product.product.args[0];
  const linear = readProduct(product, normNode?.output ?? x, null);
  const isFloat = normNode === null || (consumer(normNode.args[2]) !== undefined && normNode.output.dtype === 'f32');
  if (!linear || !isFloat || linear.lora) return null;
  const products = walk.at;
  const gatedNode = walk.next('gatedMul');
  const activation = gatedNode?.output.dtype === 'f32' ? readGate(gatedNode.args, product.output) : null;
  if (!norm && !activation) return null;
  return { found: { x, norm, linear, activation }, count: (activation ? walk.at : products) - at };
}

function readGate(
  [gateUp, activation, option, ...more]: (Node & { readonly op: 'gatedMul' })['args'],
  product: Tensor,
): GatedActivation | null {
  return gateUp === product && consumer(option) !== undefined && isNothing(more) ? activation : null;
}
