/**
 * A part of a step as data: a list of ops with their arguments, of which nothing has run. Models write it by calling
 * `ModelOps`; what comes of it (memory plan, fusion, dispatches) is said by passes over the list.
 */
import { EngineError } from '../../errors.ts';
import { headShape } from '../attention/head-shape.ts';
import type { DType, Shape, Tensor } from '../../tensor/tensor.ts';
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
  KVLayer,
  LatentLayer,
  LatentQueries,
  Lora,
  Matrix,
  MatmulOption,
  ModelOps,
  NormSpec,
  ProgramResult,
  RmsNormSpec,
  RotarySpec,
  RouteSpec,
  SelectiveScanSpec,
  ShortConvSpec,
  StatePart,
  Step,
} from '../ops.ts';

/** Ops that make a tensor; the other methods of ModelOps say something about the list. */
export type ModelOp = Exclude<keyof ModelOps, 'scope' | 'named'>;

/** A call of one op. */
export interface NodeOf<O extends ModelOp> {
  readonly op: O;
  /** As the model gave them: values of the program among them, or in an option. */
  readonly args: Parameters<ModelOps[O]>;
  /** Those values. */
  readonly inputs: readonly Value[];
  readonly output: Value;
}

export type Node = { [O in ModelOp]: NodeOf<O> }[ModelOp];

/** The calls of one op. */
export function nodesOf<O extends ModelOp>(nodes: readonly Node[], op: O): (Node & NodeOf<O>)[] {
  return nodes.filter((node): node is Node & NodeOf<O> => node.op === op);
}

/** What an op will make. Its storage is there once the op has run. */
export class Value implements Tensor {
  readonly #planned: Omit<Tensor, 'storage'>;
  #made: Tensor | null = null;
  /** What the model calls it; null where it says nothing. */
  site: string | null = null;

  constructor(shape: Shape, dtype: DType) {
    this.#planned = { shape, dtype };
  }

  get shape(): Shape {
    return (this.#made ?? this.#planned).shape;
  }

  get dtype(): DType {
    return (this.#made ?? this.#planned).dtype;
  }

  get storage(): unknown {
    if (this.#made) return this.#made.storage;
    throw new EngineError('internal_error', `${this.site ?? 'a value'} of a program was looked at before it ran`);
  }

  /** What the op made. */
  become(made: Tensor): void {
    this.#made = made;
  }
}

export interface Recording<R extends ProgramResult = ProgramResult> {
  readonly nodes: readonly Node[];
  readonly results: R;
}

/**
 * @param formOf the form of a result that goes into the product with that matrix, or nowhere in particular
 * @param hasAdapters whether some of the step's tokens have one (StepBatch.adapters)
 */
export function record<R extends ProgramResult>(
  formOf: (consumer: Matrix | undefined) => 'f32' | 'q8',
  body: (ops: ModelOps) => R,
  hasAdapters = false,
): Recording<R> {
  const ops = new RecordingOps(formOf, hasAdapters);
  const results = body(ops);
  return { nodes: ops.nodes, results };
}

class RecordingOps implements ModelOps {
  readonly nodes: Node[] = [];
  readonly #formOf: (consumer: Matrix | undefined) => 'f32' | 'q8';
  readonly #hasAdapters: boolean;
  #scope = '';

  constructor(formOf: (consumer: Matrix | undefined) => 'f32' | 'q8', hasAdapters: boolean) {
    this.#formOf = formOf;
    this.#hasAdapters = hasAdapters;
  }

  embedding(...args: [step: Step, table: Matrix, option?: EmbeddingOption]): Tensor {
    const [step, table] = args;
    return this.#add('embedding', args, [step.numTokens, table.cols]);
  }

  norm(...args: [x: Tensor, norm: NormSpec, option?: ConsumerOption]): Tensor {
    return this.#add('norm', args, args[0].shape, this.#formOf(args[2]?.to));
  }

  headNorm(...args: [qkv: Tensor, norms: HeadNorms, eps: number, layer: KVLayer]): Tensor {
    return this.#add('headNorm', args, args[0].shape);
  }

  add(...args: [a: Tensor, b: Tensor, scale?: number]): Tensor {
    return this.#add('add', args, args[0].shape);
  }

  scale(...args: [x: Tensor, factor: number]): Tensor {
    return this.#add('scale', args, args[0].shape);
  }

  cap(...args: [x: Tensor, c: number]): Tensor {
    return this.#add('cap', args, args[0].shape);
  }

  matmul(...args: [x: Tensor, w: Matrix, option?: MatmulOption]): Tensor {
    const [x, w] = args;
    return this.#add('matmul', args, [x.shape[0], w.rows]);
  }

  addLora(...args: [y: Tensor, x: Tensor, lora: Lora]): Tensor {
    const [y] = args;
    return this.#hasAdapters ? this.#add('addLora', args, y.shape) : y;
  }

  rotate(...args: [qkv: Tensor, rotary: RotarySpec, layer: KVLayer, step: Step]): Tensor {
    return this.#add('rotate', args, args[0].shape);
  }

  rotaryStoreKV(...args: [qkv: Tensor, rotary: RotarySpec | null, layer: KVLayer, step: Step]): Tensor {
    const [qkv, , { kvHeads, headDim }] = args;
    return this.#add('rotaryStoreKV', args, [qkv.shape[0], qkv.shape[1] - 2 * kvHeads * headDim]);
  }

  headMatmul(...args: [x: Tensor, w: Matrix, option?: ConsumerOption]): Tensor {
    const [x, w, option] = args;
    return this.#add('headMatmul', args, [x.shape[0], w.rows], this.#formOf(option?.to));
  }

  rotaryStoreLatent(
    ...args: [queries: LatentQueries, kv: Tensor, norm: RmsNormSpec, rotary: RotarySpec, layer: LatentLayer, step: Step]
  ): Tensor {
    const [{ latent, rope }] = args;
    return this.#add('rotaryStoreLatent', args, [latent.shape[0], latent.shape[1] + rope.shape[1]]);
  }

  attention(
    ...args: [q: Tensor, layer: AttendedLayer, step: Step, spec: AttentionSpec, option?: ConsumerOption]
  ): Tensor {
    const [q, layer, , { heads }, option] = args;
    return this.#add('attention', args, [q.shape[0], heads * headShape(layer).valueDim], this.#formOf(option?.to));
  }

  gatedMul(...args: [gateUp: Tensor, activation: GatedActivation, option?: ConsumerOption]): Tensor {
    const [{ shape }, , option] = args;
    return this.#add('gatedMul', args, [shape[0], shape[1] / 2], this.#formOf(option?.to));
  }

  activate(...args: [x: Tensor, activation: Activation, option?: ConsumerOption]): Tensor {
    return this.#add('activate', args, args[0].shape, this.#formOf(args[2]?.to));
  }

  route(...args: [logits: Tensor, spec: RouteSpec]): Tensor {
    const [{ shape }, { k }] = args;
    return this.#add('route', args, [shape[0], 2 * k]);
  }

  expertMatmul(...args: [x: Tensor, w: Matrix, routing: Tensor, option?: ExpertMatmulOption]): Tensor {
    const [, w, routing] = args;
    return this.#add('expertMatmul', args, [(routing.shape[0] * routing.shape[1]) / 2, w.rows / (w.experts ?? 1)]);
  }

  combine(...args: [y: Tensor, routing: Tensor, residual?: Tensor]): Tensor {
    const [y, routing] = args;
    return this.#add('combine', args, [routing.shape[0], y.shape[1]]);
  }

  sigmoidGate(...args: [x: Tensor, gate: Tensor]): Tensor {
    return this.#add('sigmoidGate', args, args[0].shape);
  }

  shortConv(...args: [x: Columns, conv: ShortConvSpec, state: StatePart, step: Step]): Tensor {
    const [, { channels }, , step] = args;
    return this.#add('shortConv', args, [step.numTokens, channels]);
  }

  deltaRule(...args: [qkv: Tensor, gates: Columns, rule: DeltaRuleSpec, state: StatePart, step: Step]): Tensor {
    const [{ shape }, , { valueHeads, valueDim }] = args;
    return this.#add('deltaRule', args, [shape[0], valueHeads * valueDim]);
  }

  selectiveScan(...args: [xbc: Tensor, steps: Columns, scan: SelectiveScanSpec, state: StatePart, step: Step]): Tensor {
    const [{ shape }, , { heads, headDim }] = args;
    return this.#add('selectiveScan', args, [shape[0], heads * headDim]);
  }

  gatedNorm(...args: [x: Tensor, gate: Columns, norm: GatedNormSpec, option?: ConsumerOption]): Tensor {
    return this.#add('gatedNorm', args, args[0].shape, this.#formOf(args[3]?.to));
  }

  takeLogitRows(...args: [x: Tensor, step: Step]): Tensor {
    const [x, step] = args;
    return this.#add('takeLogitRows', args, [step.numLogits, x.shape[1]]);
  }

  takePromptRows(...args: [x: Tensor, step: Step]): Tensor {
    const [x, step] = args;
    return this.#add('takePromptRows', args, [step.batch.promptIndices?.length ?? 0, x.shape[1]]);
  }

  scope(name: string, body: () => Tensor): Tensor {
    const outer = this.#scope;
    this.#scope = `${outer}${name}.`;
    try {
      return body();
    } finally {
      this.#scope = outer;
    }
  }

  named(site: string, x: Tensor): Tensor {
    if (x instanceof Value) x.site = this.#scope + site;
    return x;
  }

  #add<O extends ModelOp>(op: O, args: Parameters<ModelOps[O]>, shape: Shape, dtype: DType = 'f32'): Value {
    const output = new Value(shape, dtype);
    const node: NodeOf<O> = { op, args, inputs: valuesIn(args), output };
    this.nodes.push(node as unknown as Node);
    return output;
  }
}

/** Values among arguments, and those in the fields of options. */
function valuesIn(args: readonly unknown[]): Value[] {
  return args.flatMap((arg) => {
    if (arg instanceof Value) return [arg];
    if (typeof arg !== 'object' || arg === null) return [];
    return Object.values(arg).filter((field) => field instanceof Value);
  });
}
