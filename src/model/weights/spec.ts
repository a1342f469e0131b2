/**
 * What an architecture says of its weights: a tree of vectors, linear layers and tables, each with its Hugging Face name
 * and shape. Checking, planning, loading, memory and progress are folds over this tree (weight-plan.ts, load-weights.ts,
 * memory-plan.ts); the model itself gets the same tree with tensors in place of the leaves (`Loaded`).
 */
import type { Linear, LoraSpec, Matrix } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** `NAME.weight` (or another stored suffix) [length], kept in f32. */
export interface VecSpec {
  readonly kind: 'vec';
  /** Full name of the stored tensor. */
  readonly name: string;
  readonly length: number;
  /** Added to every value: 1 for norms that checkpoints store as their difference from 1 (Gemma). */
  readonly plus: number;
  /** What is meant is -exp of what is stored: how fast a state decays, kept as a logarithm. */
  readonly isLog: boolean;
  /** As stored; [length] in most. */
  readonly shape: readonly number[];
  /** Full names of tensors that hold a part each, in this order, where there is none for all. */
  readonly each?: readonly string[];
}

/** A stored matrix: `NAME.weight` [rows, cols], and `NAME.bias` [rows] where there is one. */
interface StoredPart {
  readonly name: string;
  readonly rows: number;
}

/** One stored matrix of a linear layer, or some of its rows. */
export interface LinPart extends StoredPart {
  /** Those of these parts of its heads, one part behind the other; null: all rows as they are. */
  readonly taken: readonly HeadPart[] | null;
}

/** Projections of the same input, stacked into one matrix in this order. */
export interface LinSpec {
  readonly kind: 'lin';
  readonly parts: readonly LinPart[];
  readonly cols: number;
  readonly bias: boolean;
  /** Stored as [cols, rows], as GPT-2's Conv1D does. */
  readonly transposed: boolean;
  /** Queries, keys and values in one matrix, in the order of heads; they become all queries, all keys, all values. */
  readonly fused: FusedHeads | null;
  /** `--quant` leaves it as it is stored: a router, whose small error sends tokens to other experts. */
  readonly isRouter: boolean;
}

/**
 * The same projections of each expert, [rows, cols] the parts together, the experts one below the other. Checkpoints store
 * `PREFIX.3.PART.weight` [rows, cols] for expert 3, or `PREFIX.PART.weight` [E, rows, cols], or the tensor `fused`.
 */
export interface ExpertsSpec {
  readonly kind: 'experts';
  readonly count: number;
  readonly prefix: string;
  readonly parts: readonly StoredPart[];
  readonly cols: number;
  readonly fused: FusedExperts;
}

/** All experts and parts in one tensor. */
export interface FusedExperts {
  /** Its full name: [E, rows of all parts, cols]. */
  readonly name: string;
  /** Full name of the biases [E, rows of all parts]; absent: there are none. */
  readonly bias?: string;
  /** Stored as [E, cols, rows], as gpt-oss does. */
  readonly transposed?: boolean;
  /** A row of each part in turns: gate, up, gate, up. */
  readonly interleaved?: boolean;
}

/** Of each of `heads` runs of `size` rows those from `from` on, `count` of them. */
export interface HeadPart {
  readonly heads: number;
  readonly size: number;
  readonly from: number;
  readonly count: number;
}

/**
 * A matrix [rows, cols] for each head (Ops.headMatmul): rows of each head of `NAME.weight`, transposed or not, or stored as they
 * are wanted under a name of their own, [heads, rows, cols].
 */
export interface HeadsSpec {
  readonly kind: 'heads';
  readonly name: string;
  /** Columns of `name`. */
  readonly storedCols: number;
  readonly part: HeadPart;
  readonly transposed: boolean;
  readonly ownName: string;
}

/** Rows of a matrix that computes queries, keys and values, one key head after another with the query heads that use it. */
export interface FusedHeads {
  readonly kvHeads: number;
  readonly queriesPerKey: number;
  readonly headDim: number;
}

/** A matrix that is looked up or that makes logits: `NAME.weight` [rows, cols]; `--quant` never takes it below int8. */
export interface TableSpec {
  readonly kind: 'table';
  readonly name: string;
  readonly rows: number;
  readonly cols: number;
  /** The language-model head: reward models have none. */
  readonly isHead: boolean;
  /** Rows in front of these that are stored and never looked up. */
  readonly skipped: number;
}

export type LeafSpec = VecSpec | LinSpec | ExpertsSpec | HeadsSpec | TableSpec;
export type Tree<Leaf> = Leaf | null | readonly Tree<Leaf>[] | { readonly [key: string]: Tree<Leaf> };
export type Spec = Tree<LeafSpec>;

/** The tree as the model gets it. */
export type Loaded<S> = S extends VecSpec
  ? Tensor
  : S extends LinSpec | ExpertsSpec
    ? Linear
    : S extends TableSpec | HeadsSpec
      ? Matrix
      : S extends null
        ? null
        : { readonly [K in keyof S]: Loaded<S[K]> };

/** A norm's weight, `NAME.weight`. */
export function vec(name: string, length: number, options: { plus?: number; shape?: readonly number[] } = {}): VecSpec {
  const { plus = 0, shape = [length] } = options;
  return { kind: 'vec', name: `${name}.weight`, length, plus, isLog: false, shape };
}

/** Those of a norm on each query head, and on each key head, [size]: `PREFIX.QUERY.weight` and `PREFIX.KEY.weight`. */
export function headNormVecs(prefix: string, size: number, [query, key] = ['q_norm', 'k_norm']) {
  return { query: vec(`${prefix}.${query}`, size), key: vec(`${prefix}.${key}`, size) };
}

/** The weights of a norm for each head, `NAME.norms.0.weight` and so on [size] or `NAME.weight` [heads · size], one behind the other. */
export function headVecs(name: string, heads: number, size: number): VecSpec {
  return { ...vec(name, heads * size), each: repeat(heads, (i) => `${name}.norms.${i}.weight`) };
}

/** A norm's bias, `NAME.bias`. */
export function biasVec(name: string, length: number): VecSpec {
  return { kind: 'vec', name: `${name}.bias`, length, plus: 0, isLog: false, shape: [length] };
}

/** A vector that is stored under its name alone: `dt_bias`, `A_log`. */
export function paramVec(name: string, length: number, { isLog = false } = {}): VecSpec {
  return { kind: 'vec', name, length, plus: 0, isLog, shape: [length] };
}

/** @param parts out features of each stored matrix by its name, or what of its heads is taken; stacked in this order */
export function lin(
  parts: Readonly<Record<string, number | readonly HeadPart[]>>,
  cols: number,
  options: {
    bias?: boolean;
    transposed?: boolean;
    fused?: FusedHeads | null;
    isRouter?: boolean;
  } = {},
): LinSpec {
  const { bias = false, transposed = false, fused = null, isRouter = false } = options;
  const stacked = Object.entries(parts).map(([name, rows]) =>
    typeof rows === 'number' ? { name, rows, taken: null } : { name, rows: rows[0].heads * rows[0].size, taken: rows },
  );
  return { kind: 'lin', parts: stacked, cols, bias, transposed, fused, isRouter };
}

/** Out features of a part: the rows that are taken of it. */
export function outRows({ rows, taken }: LinPart): number {
  return taken?.reduce((n, { heads, count }) => n + heads * count, 0) ?? rows;
}

/** @param parts out features of each projection of an expert by the end of its name, stacked in this order */
export function experts(
  count: number,
  prefix: string,
  parts: Readonly<Record<string, number>>,
  cols: number,
  fused: FusedExperts,
): ExpertsSpec {
  const stacked = Object.entries(parts).map(([name, rows]) => ({ name, rows }));
  return { kind: 'experts', count, prefix, parts: stacked, cols, fused };
}

/**
 * @param part of the rows of NAME.weight [heads · size, storedCols]
 * @param ownName of the tensor that some files have instead, without `.weight`
 */
export function headMatrices(
  name: string,
  storedCols: number,
  part: HeadPart,
  { transposed = false, ownName }: { transposed?: boolean; ownName: string },
): HeadsSpec {
  return { kind: 'heads', name: `${name}.weight`, storedCols, part, transposed, ownName: `${ownName}.weight` };
}

export function table(name: string, rows: number, cols: number, options: { skipped?: number } = {}): TableSpec {
  return { kind: 'table', name: `${name}.weight`, rows, cols, isHead: false, skipped: options.skipped ?? 0 };
}

export function head(name: string, rows: number, cols: number): TableSpec {
  return { ...table(name, rows, cols), isHead: true };
}

/** The linear layers that adapters may change: all but routers, whose small differences send tokens to other experts. */
export function adaptedLinears(weights: Spec): LinSpec[] {
  return leavesOf<LeafSpec>(weights).filter((leaf) => leaf.kind === 'lin' && !leaf.isRouter) as LinSpec[];
}

/** What adapters of a linear layer depend on of it. */
export function loraShape({ parts, cols }: LinSpec): Pick<LoraSpec, 'name' | 'parts' | 'cols'> {
  const names = parts.map(({ name, taken }) =>
    taken ? `${name} from ${taken.map(({ from }) => from).join(', ')}` : name,
  );
  return { name: names.join(' + '), parts: parts.map(outRows), cols };
}

/** `make(0) … make(n - 1)`: the layers. */
export function repeat<T>(n: number, make: (i: number) => T): readonly T[] {
  return Array.from({ length: n }, (_, i) => make(i));
}

/** The leaves in tree order: the order in which they are read. */
export function leavesOf<Leaf extends { readonly kind: string }>(tree: Tree<Leaf>): Leaf[] {
  if (tree === null) return [];
  if (isLeaf(tree)) return [tree];
  return Object.values<Tree<Leaf>>(tree).flatMap((branch) => leavesOf(branch));
}

/** The same tree with every leaf replaced; leaves come in tree order. */
export function mapLeaves<A extends { readonly kind: string }, B>(tree: Tree<A>, f: (leaf: A) => B): unknown {
  if (tree === null) return null;
  if (isLeaf(tree)) return f(tree);
  if (Array.isArray(tree)) return (tree as Tree<A>[]).map((branch) => mapLeaves(branch, f));
  return Object.fromEntries(Object.entries(tree).map(([key, branch]) => [key, mapLeaves(branch, f)]));
}

/** The same for leaves that take their time: one after the other, in tree order. */
export async function mapLeavesInOrder<A extends { readonly kind: string }, B>(
  tree: Tree<A>,
  f: (leaf: A) => Promise<B>,
): Promise<unknown> {
  const leaves = new Map<A, B>();
  for (const leaf of leavesOf(tree)) leaves.set(leaf, await f(leaf));
  return mapLeaves(tree, (leaf) => leaves.get(leaf));
}

function isLeaf<Leaf extends { readonly kind: string }>(tree: Tree<Leaf>): tree is Leaf {
  return tree !== null && typeof (tree as { kind?: unknown }).kind === 'string';
}
