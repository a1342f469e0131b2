/**
 * Which kernel runs on which adapter: op → kernel set → variant. Launchers choose from this table and nowhere else
 * (`ctx.variant('softmax')`); what is not here has one kernel for all. gpu/device.ts tells which set an adapter takes:
 *
 * - `lavapipe`: Mesa's software Vulkan with subgroups of 8 lanes, one AVX register. A load from a storage buffer costs 23
 *   multiply-adds, a barrier turns each subgroup into a coroutine, a read-only storage texture loads 2–3.5x faster than a
 *   buffer (2026-11-23, Mesa 25.0.7, LLVM 15, docs/decisions/0001-activations-in-buffers.md), and each dispatch wakes threads, 30–60 µs (2026-11-26).
 * - `gpu`: everything else, any subgroup size.
 */
import type { KernelSet } from '../gpu/device.ts';

export interface Variant {
  /** File `<variant>.wgsl`, `.wgsl.ts` or `.ts` in the op's folder; a stored form; null: composed of other ops. */
  readonly variant: string | null;
  readonly why: string;
  /**
   * Figure, date and where it is written; null: chosen by reasoning, not measured. For GPUs it takes a GPU: on a software
   * adapter the naive product is the fastest (docs/kernels.md).
   */
  readonly measured: string | null;
  /** Versions that could take its place: tested like it, and timed beside it by `npm run bench -- kernels --variant NAME`. */
  readonly others?: readonly string[];
  /** Without it the ops that it stands for run one by one. */
  readonly isOptional?: boolean;
  /** The one of them that is chosen on adapters with matrix units (gpu/matrix-unit.ts). */
  readonly onMatrixUnits?: string;
  /**
   * What is chosen in its place where a row's sums must not depend on how many tokens a step has (--deterministic), the first
   * that is right on the adapter.
   */
  readonly deterministic?: readonly string[];
}

const oneSubgroup = 'one subgroup is the workgroup: subgroup sums, no barrier';
const workgroupMemory = 'reduces through workgroup memory: right for any subgroup size';
const fewerDispatches = 'its q8 result in the same dispatch: waking threads costs as much as the work';

export const kernelSets = {
  argmax: {
    lavapipe: { variant: 'argmax.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'argmax', why: workgroupMemory, measured: null },
  },
  softmax: {
    lavapipe: { variant: 'softmax.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'softmax', why: workgroupMemory, measured: null },
  },
  'layer-norm': {
    lavapipe: { variant: 'layer-norm.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'layer-norm', why: workgroupMemory, measured: null },
  },
  'head-norm': {
    lavapipe: { variant: 'head-norm.lavapipe', why: `${oneSubgroup}; all heads of a token`, measured: null },
    gpu: { variant: 'head-norm', why: workgroupMemory, measured: null },
  },
  /** Both and the store of keys and values in one dispatch. */
  'head-norm before rotary': {
    lavapipe: { variant: null, why: 'op by op, or within decoder-layer', measured: null },
    gpu: { variant: 'head-norm-rotary', why: 'a dispatch fewer a layer', measured: null, isOptional: true },
  },
  'rms-norm': {
    lavapipe: { variant: 'rms-norm.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'rms-norm', why: workgroupMemory, measured: null },
  },
  /** The sum behind gated-norm.wgsl. */
  'gated-norm': {
    lavapipe: { variant: 'group.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'group', why: workgroupMemory, measured: null },
  },
  'rms-norm to q8': {
    lavapipe: { variant: 'rms-norm.q8.lavapipe', why: fewerDispatches, measured: null },
    gpu: { variant: null, why: 'rms-norm, then quantize', measured: null },
  },
  'gated-mul to q8': {
    lavapipe: { variant: 'gated-mul.q8.lavapipe', why: fewerDispatches, measured: null },
    gpu: { variant: null, why: 'gated-mul, then quantize', measured: null },
  },
  quantize: {
    lavapipe: { variant: 'quantize.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'quantize', why: 'an invocation a block of 64: no exchange at all', measured: null },
  },
  /** Where a q8 activation lies. */
  'q8 activations': {
    lavapipe: {
      variant: 'texture',
      why: 'a texel is a seventh of the instructions of 16 bytes from a buffer',
      measured: '3.50 → 4.05 multiplications a cycle with 128 tokens, 2026-11-26, docs/log.md',
    },
    gpu: { variant: 'buffer', why: 'loads coalesce', measured: null },
  },
  /** How weights lie: what matmul and embedding read. */
  weights: {
    lavapipe: {
      variant: 'lanes',
      why: 'storage textures in the order of reading, a lane an output row (lane-layout.ts)',
      measured: '2–3.5x faster loads, 2026-11-23, docs/decisions/0001-activations-in-buffers.md',
    },
    gpu: { variant: 'rows', why: 'row-major storage buffers: loads coalesce (row-matrix.ts)', measured: null },
  },
  matmul: {
    lavapipe: {
      variant: 'matmul.lavapipe',
      why: 'straight-line sums of 64 columns, no shared memory',
      measured: 'int4 × int8: 25.0 GMAC/s a core with 4 tokens, 16.5 with one (Zen 4), 2026-11-26, docs/log.md',
    },
    gpu: {
      variant: 'matmul.tiled',
      why: 'weights are decoded once for all tokens of a tile, sums stay in registers',
      measured: null,
      others: ['matmul.naive', 'matmul.gemv', 'matmul.matrix'],
      onMatrixUnits: 'matmul.matrix',
      deterministic: ['matmul.gemv', 'matmul.naive'],
    },
  },
  /** Up to 8 (matmul/matmul.ts). */
  'matmul of few tokens': {
    lavapipe: { variant: 'matmul.lavapipe', why: 'the same with a tile for one, two or four tokens', measured: null },
    gpu: {
      variant: 'matmul.gemv',
      why: 'the bytes of the weights bound it: each is read once, by neighbours side by side',
      measured: null,
      others: ['matmul.naive', 'matmul.tiled'],
    },
  },
  /** With the norm in front of a product and the gate behind it. */
  'fused matmul': {
    lavapipe: { variant: null, why: 'decoder-layer has both', measured: null },
    gpu: {
      variant: 'fused-matmul',
      why: 'fewer dispatches: ten a layer cost more than their work',
      measured: null,
      isOptional: true,
    },
  },
  /** The reductions of route and expert-tiles. */
  route: {
    lavapipe: { variant: 'group.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'group', why: workgroupMemory, measured: null },
  },
  'expert matmul': {
    lavapipe: {
      variant: 'expert-matmul.lavapipe',
      why: "matmul.lavapipe's sums for tiles of an expert's tokens",
      measured: null,
    },
    gpu: {
      variant: 'matmul.tiled',
      why: "the product's own kernel over tiles of an expert's tokens",
      measured: null,
      others: ['matmul.naive', 'matmul.gemv', 'matmul.matrix'],
      onMatrixUnits: 'matmul.matrix',
      deterministic: ['matmul.gemv', 'matmul.naive'],
    },
  },
  /** Up to twice the number of experts (expert-matmul/expert-matmul.ts). */
  'expert matmul of few tokens': {
    lavapipe: { variant: 'expert-matmul.lavapipe', why: 'the same with one token', measured: null },
    gpu: {
      variant: 'matmul.gemv',
      why: "reads the chosen experts alone, as the product's own kernel does",
      measured: null,
      others: ['matmul.naive', 'matmul.tiled'],
    },
  },
  /** Where adapters lie. */
  'lora weights': {
    lavapipe: { variant: 'texture', why: 'as the weights: loads of 16 bytes', measured: null },
    gpu: { variant: 'buffer', why: 'loads coalesce', measured: null },
  },
  lora: {
    lavapipe: {
      variant: 'lora.lavapipe',
      why: 'both products of a token in one dispatch: no exchange',
      measured: null,
    },
    gpu: { variant: 'lora.rows', why: 'A and B one after the other, each over all rows', measured: null },
  },
  /** The norm's reductions. */
  'rotary-store-latent': {
    lavapipe: { variant: 'group.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'group', why: workgroupMemory, measured: null },
  },
  embedding: {
    lavapipe: { variant: 'embedding.lavapipe', why: 'reads the lane layout', measured: null },
    gpu: { variant: 'embedding.rows', why: 'reads the row layout', measured: null },
  },
  attention: {
    lavapipe: { variant: 'attention.lavapipe', why: 'lane = key or query token: no exchange', measured: null },
    gpu: { variant: 'attention.flash', why: 'segments of the context, side by side or one by one', measured: null },
  },
  /** Rows of more than eight tokens (step/step.ts). */
  'attention of prompts': {
    lavapipe: { variant: 'attention.lavapipe', why: 'the same: a lane a query token', measured: null },
    gpu: {
      variant: 'attention.flash',
      why: 'exact; tiles of eight tokens',
      measured: null,
      others: ['attention.matrix'],
      onMatrixUnits: 'attention.matrix',
      deterministic: ['attention.flash'],
    },
  },
  'decoder-layer': {
    lavapipe: {
      variant: 'decoder-layer.lavapipe',
      why: 'decode steps: a layer in one dispatch',
      measured: 'kernels of a step 59–77 ms op by op, 28–30 ms fused (Zen 3, busy), 2026-11-26, docs/log.md',
    },
    gpu: { variant: null, why: 'op by op, products with what is around them', measured: null },
  },
  /** The reductions that sample and top-logprobs are built on. */
  sample: {
    lavapipe: { variant: 'group.lavapipe', why: oneSubgroup, measured: null },
    gpu: { variant: 'group', why: workgroupMemory, measured: null },
  },
} as const satisfies Record<string, Record<KernelSet, Variant>>;

export type SetOp = keyof typeof kernelSets;
type Entry<O extends SetOp> = (typeof kernelSets)[O][KernelSet];
type OthersOf<E> = E extends { readonly others: readonly (infer Name)[] } ? Name : never;
export type VariantOf<O extends SetOp> = Entry<O>['variant'] | OthersOf<Entry<O>>;
/** Others than the table's, by op. */
export type Variants = { readonly [O in SetOp]?: VariantOf<O> };

/** `others` of a set's entry. */
export function othersOf(op: SetOp, set: KernelSet): readonly string[] {
  const entry: Variant = kernelSets[op][set];
  return entry.others ?? [];
}

/** This version for each op of the set that has it among its others: what WebGPUOpsOptions.variants takes. */
export function variantsNamed(name: string, set: KernelSet): Variants {
  const ops = (Object.keys(kernelSets) as SetOp[]).filter((op) => othersOf(op, set).includes(name));
  return Object.fromEntries(ops.map((op) => [op, name]));
}

/** Names of versions that can be done without: another of the same entry, or its ops one by one, take the place. */
export function replaceable(set: KernelSet): string[] {
  const entries = Object.values<Record<KernelSet, Variant>>(kernelSets).map((sets) => sets[set]);
  const names = (isReplaceable: boolean): string[] =>
    entries
      .filter(({ others = [], isOptional = false }) => (others.length > 0 || isOptional) === isReplaceable)
      .flatMap(({ variant, others = [] }) => [variant ?? '', ...others])
      .filter(Boolean);
  const needed = names(false);
  return [...new Set(names(true))].filter((name) => !needed.includes(name));
}
