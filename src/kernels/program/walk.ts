/**
 * For fusions that look for ops in a recording: goes from node to node and takes arguments apart. Every field is taken out by name, so
 * that one that is new does not compile here before somebody has said what the kernels make of it; at run time it means op by
 * op.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { ConsumerOption, Linear, Matrix, MatmulOption, NormSpec } from '../ops.ts';
import type { ModelOp, Node, NodeOf } from './recording.ts';

/** A product, and what adapters add to it where there is such an op behind it. */
export interface Product {
  readonly product: NodeOf<'matmul'>;
  readonly lora: NodeOf<'addLora'> | null;
  /** Of the last of them. */
  readonly output: Tensor;
}

/** Goes from node to node as long as they are the ops that are asked for. */
export class Walk {
  readonly #nodes: readonly Node[];
  at: number;

  constructor(nodes: readonly Node[], at: number) {
    this.#nodes = nodes;
    this.at = at;
  }

  next<O extends ModelOp>(op: O): NodeOf<O> | null {
    if (this.#nodes[this.at]?.op !== op) return null;
    return this.#nodes[this.at++] as Node & NodeOf<O>;
  }

  product(): Product | null {
    const product = this.next('matmul');
    const lora = product && this.next('addLora');
    return product && { product, lora, output: (lora ?? product).output };
  }
}

/** Takes no field that is not known: a rest with one does not compile. */
export function isNothing(rest: Record<string, never> | readonly never[]): boolean {
  return Object.keys(rest).length === 0;
}

/** An RMSNorm; null where it is another norm or says more. */
export function readNorm({
  args: [x, norm, _, ...more],
}: NodeOf<'norm'>): { x: Tensor; weight: Tensor; eps: number } | null {
  const spec: NormSpec = norm;
  if (spec.kind !== 'rms') return null;
  const { kind: _kind, weight, eps, ...unknown } = spec;
  return isNothing(unknown) && isNothing(more) ? { x, weight, eps } : null;
}

/** A product of that input, added to that stream or to none; adapters have the same input. */
export function readProduct({ product, lora: added }: Product, input: Tensor, stream: Tensor | null): Linear | null {
  const [x, weight, option = {}, ...more] = product.args;
  const { bias, residual, ...unknown }: MatmulOption = option;
  const { name: _1, rows: _2, cols: _3, format: _4, storage: _5, experts, ...unknownMatrix } = weight;
  const isKnown = isNothing(unknown) && experts === undefined && isNothing(unknownMatrix) && isNothing(more);
  if (!isKnown || x !== input || (residual ?? null) !== stream) return null;
  const linear = { weight, ...(bias && { bias }) };
  if (!added) return linear;
  const [y, loraIn, lora, ...evenMore] = added.args;
  return y === product.output && loraIn === input && isNothing(evenMore) ? { ...linear, lora } : null;
}

/** The matrix that an op's result goes to; null: nowhere in particular; undefined: the option says something else. */
export function consumer(option: ConsumerOption = {}): Matrix | null | undefined {
  const { to = null, ...unknown } = option;
  return isNothing(unknown) ? to : undefined;
}
