/** Arguments for an op of a recording, made up for one backend: the same on each, since they are made in the same order. */
import type { MatrixShape } from '../../tensor/matrix.ts';
import { numel, type Tensor } from '../../tensor/tensor.ts';
import { releaseRowMatrix, type RowMatrix } from '../matmul/row-matrix.ts';
import type { CacheLayer, KVCache, Matrix, ModelOps, Ops, Step } from '../ops.ts';
import { recordedShape } from '../program/recorded-matrix.ts';
import type { ModelOp, Node, NodeOf } from '../program/recording.ts';
import { quantized, randomFloats, randomMatrix } from './random-inputs.ts';

/** Rows of a table that is looked up in, rows and columns of an expert's matrix: more than there are positions. */
export const SMALL = 64;

export interface CacheAndStep {
  readonly kv: KVCache;
  readonly step: Step;
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

export const isTensor = (value: unknown): value is Tensor => isObject(value) && 'shape' in value && 'dtype' in value;

const isMatrix = (value: unknown): value is Matrix => isObject(value) && 'format' in value && 'cols' in value;

/** An argument, or one with fields, with what was made in place of what stands for it. */
function withMade(arg: unknown, made: ReadonlyMap<unknown, Tensor>): unknown {
  const own = made.get(arg);
  if (own) return own;
  if (!isObject(arg) || !Object.values(arg).some((field) => made.has(field))) return arg;
  return Object.fromEntries(Object.entries(arg).map(([key, field]) => [key, made.get(field) ?? field]));
}

/** Gives the device's memory back; the reference's is the garbage collector's. */
export function releaseStorage(storage: unknown): void {
  if (storage instanceof GPUBuffer) storage.destroy();
  else if (isObject(storage) && 'slices' in storage) releaseRowMatrix(storage as unknown as RowMatrix);
}

export class NodeInputs {
  readonly #ops: Ops;
  readonly #recorded: CacheAndStep;
  readonly #own: CacheAndStep;
  #call: () => Tensor = () => {
    throw new Error('no op is prepared');
  };
  #seed = 0;
  /** Storage of what was made for the op. */
  #held: unknown[] = [];

  /** @param recorded what stands in the arguments, for which `own` is put in */
  constructor(ops: Ops, recorded: CacheAndStep, own: CacheAndStep) {
    this.#ops = ops;
    this.#recorded = recorded;
    this.#own = own;
  }

  get step(): Step {
    return this.#own.step;
  }

  /** Makes what these ops take from elsewhere, and gives back what those before took, whose result must have been read. */
  async prepare(nodes: readonly Node[]): Promise<void> {
    this.release();
    this.#seed = 1;
    const inside = new Set<unknown>(nodes.map(({ output }) => output));
    const calls: { readonly node: Node; readonly args: readonly unknown[] }[] = [];
    for (const node of nodes) {
      const args = node.op === 'expertMatmul' ? await this.#ofExperts(node) : await this.#made(node, node.args, inside);
      calls.push({ node, args: args as unknown[] });
    }
    const body = (ops: ModelOps): Tensor => {
      const made = new Map<unknown, Tensor>();
      let last: Tensor | null = null;
      for (const { node, args } of calls) {
        const call = (ops as unknown as Record<ModelOp, (...args: unknown[]) => Tensor>)[node.op].bind(ops);
        last = call(...args.map((arg) => withMade(arg, made)));
        made.set(node.output, last);
      }
      return last!;
    };
    // One by one outside of a program, where nothing is fused.
    this.#call = () =>
      nodes.length === 1 ? body(this.#ops) : this.#ops.program({}, this.step, (part) => ({ y: body(part) })).y;
  }

  run(): Tensor {
    return this.#call();
  }

  release(): void {
    for (const storage of this.#held) releaseStorage(storage);
    this.#held = [];
  }

  /** @param inside what the ops make themselves, which stays as it is */
  async #made(node: Node, given: unknown, inside: ReadonlySet<unknown>): Promise<unknown> {
    if (inside.has(given)) return given;
    const { kv, step } = this.#recorded;
    if (given === step) return this.#own.step;
    const layer = kv.layers.indexOf(given as CacheLayer);
    if (layer >= 0) return this.#own.kv.layers[layer];
    if (isTensor(given)) return this.#floats(given.shape);
    if (isMatrix(given))
      return this.#matrix({ ...recordedShape(given), ...(node.op === 'embedding' && { rows: SMALL }) });
    if (Array.isArray(given)) {
      const made: unknown[] = [];
      for (const each of given) made.push(await this.#made(node, each, inside));
      return made;
    }
    if (!isObject(given)) return given;
    const made: Record<string, unknown> = {};
    // Of the matrix that a result goes into only the format is looked at.
    for (const [key, each] of Object.entries(given))
      made[key] = key === 'to' ? each : await this.#made(node, each, inside);
    return made;
  }

  /** Small matrices, of which there are as many as in the model. */
  async #ofExperts({ args: [x, w, routing, option] }: NodeOf<'expertMatmul'>): Promise<unknown[]> {
    const { experts = 1 } = w;
    const [rows, cols] = [Math.min(SMALL, w.rows / experts), Math.min(SMALL, w.cols)];
    const matrix = await this.#matrix({ ...recordedShape(w), rows: experts * rows, cols });
    const given = this.#floats([x.shape[0], cols]);
    const bias = option?.bias && this.#floats([experts, rows]);
    const chosen = this.#routing(routing.shape, experts);
    return [x.dtype === 'q8' ? quantized(this.#ops, given, matrix) : given, matrix, chosen, { ...(bias && { bias }) }];
  }

  #floats(shape: readonly number[]): Tensor {
    return this.#hold(this.#ops.uploadF32(randomFloats(this.#seed++, numel(shape)), shape));
  }

  /** Pairs of an expert and its weight, no expert twice. */
  #routing(shape: readonly number[], experts: number): Tensor {
    const perToken = shape[1] / 2;
    const pairs = Array.from({ length: numel(shape) / 2 }, (_, i) => [
      (3 * Math.floor(i / perToken) + (i % perToken)) % experts,
      1 / (1 + (i % perToken)),
    ]);
    return this.#hold(this.#ops.uploadF32(Float32Array.from(pairs.flat()), shape));
  }

  async #matrix(shape: MatrixShape): Promise<Matrix> {
    return this.#hold(await this.#ops.uploadMatrix(randomMatrix(this.#seed++, shape)));
  }

  #hold<T extends { readonly storage: unknown }>(made: T): T {
    this.#held.push(made.storage);
    return made;
  }
}
