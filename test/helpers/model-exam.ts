/** The exam that every architecture takes on every backend: logits against transformers', and against itself. */
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import type { Quantization } from '../../src/config.ts';
import type { KVCache, KVDtype, Ops, StepBatch } from '../../src/kernels/ops.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import type { CausalLM } from '../../src/model/causal-lm.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { widen } from '../../src/model/files/sources.ts';
import { loadModel, loadPlan } from '../../src/model/weights/load-weights.ts';
import { mapLeaves, type Tree } from '../../src/model/weights/spec.ts';
import { planWeights, type PlannedLeaf, type PlannedMatrix } from '../../src/model/weights/weight-plan.ts';

export const fixtures = 'test/fixtures/models';
const MAX_LENGTH = 64;
/** A prime above rows × MAX_LENGTH: with the stride below, slots are distinct and neither in order nor contiguous. */
const SLOTS = 193;

interface Checkpoint {
  readonly name: string;
  readonly stored: number;
  /** What the device has shown with the original: the same tensors under other names are enough on the reference. */
  readonly onReferenceOnly?: true;
  /** Its weights become formats that others have in full: on the device the logits alone are compared. */
  readonly isPacked?: true;
}

/** Checkpoints of one size, so that the kernels which are compiled for one serve the others (`dense` and `experts` in make-fixtures.py). */
export const tiny = [
  'gemma',
  'gemma2',
  'phi',
  'stablelm',
  'stablelm-parallel',
  'starcoder2',
  'gpt_neox',
  'gpt_neox-sequential',
  'olmo2',
  'olmo3',
  'olmo3-older',
  'smollm3',
  'granite',
  'cohere',
  'cohere2',
  'glm',
  'glm4',
  'nemotron',
  'helium',
  'exaone4',
  'ernie4_5',
  'seed_oss',
  'gptj',
  'gpt_bigcode',
  'gpt_bigcode-many',
  'falcon',
  'falcon-new',
  'falcon-sequential',
  'opt',
  'bloom',
  'internlm2',
  'minicpm',
  'minicpm3',
  'minicpm3-dense-queries',
  'mixtral',
  'qwen2_moe',
  'qwen3_moe',
  'granitemoe',
  'glm4_moe',
  'gpt_oss',
  'hunyuan_v1_dense',
  'deepseek_v2',
  'deepseek_v3',
  'glm4_moe_lite',
  'lfm2',
  'lfm2-biases',
  'mamba2',
  'mamba2-limits',
  'qwen3_next',
  'qwen3_next-biases',
] as const;

/**
 * Bounds on logits against transformers. K-quants round their scales to f16 once more (see ggml-quants/q4_k.ts), zero points
 * that are no power of two their minimum, act-order and floats of eight bits their weights
 * (packed/coded-layer.ts).
 */
export const checkpoints: readonly Checkpoint[] = [
  { name: 'llama-tied', stored: 1e-4 },
  { name: 'llama-biases-llama3', stored: 1e-4 },
  { name: 'llama-linear', stored: 1e-4 },
  { name: 'qwen2', stored: 1e-4 },
  { name: 'qwen3', stored: 1e-4 },
  { name: 'gpt2', stored: 1e-4 },
  { name: 'phi3', stored: 1e-4 },
  { name: 'gemma3', stored: 1e-4 },
  { name: 'mistral-window', stored: 1e-4 },
  { name: 'llama-gguf-biases-llama3', stored: 1e-4 },
  { name: 'qwen2-gguf', stored: 1e-4 },
  { name: 'llama-gguf-mixed', stored: 5e-3 },
  { name: 'llama-gguf-low-bits', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'qwen3-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'gpt2-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'gemma3-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'exaone4-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'glm4-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'cohere-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'lfm2-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'mixtral-gguf-split', stored: 1e-4, onReferenceOnly: true },
  { name: 'glm4_moe-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'gpt_neox-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'bloom-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'cohere2-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'minicpm-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'minicpm3-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'opt-350m', stored: 1e-4, onReferenceOnly: true },
  { name: 'falcon-alibi', stored: 1e-4, onReferenceOnly: true },
  { name: 'stablelm-norms', stored: 1e-4, onReferenceOnly: true },
  { name: 'hunyuan_v1_dense-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'falcon-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'gpt_bigcode-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'internlm2-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'olmo3-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'glm-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'qwen3_next-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'gpt_oss-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'phi3-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'llama-gguf-fused', stored: 1e-4, onReferenceOnly: true },
  { name: 'deepseek_v2-groups', stored: 1e-4, onReferenceOnly: true },
  { name: 'deepseek_v3-halves', stored: 1e-4, onReferenceOnly: true },
  { name: 'kimi_k2', stored: 1e-4, onReferenceOnly: true },
  { name: 'deepseek_v2-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'deepseek_v3-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'glm4_moe_lite-gguf', stored: 1e-4, onReferenceOnly: true },
  { name: 'deepseek_v3-fp8', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'llama-awq', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'llama-gptq', stored: 1e-4, onReferenceOnly: true, isPacked: true },
  { name: 'llama-gptq-act-order', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'llama-gptq-int8', stored: 1e-4, onReferenceOnly: true, isPacked: true },
  { name: 'llama-fp8', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'llama-compressed-int4', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'llama-compressed-int8', stored: 1e-4, onReferenceOnly: true, isPacked: true },
  { name: 'llama-compressed-fp8', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'llama-nf4', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'llama-llm-int8', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'llama-torchao', stored: 5e-3, onReferenceOnly: true, isPacked: true },
  { name: 'gpt_oss-mxfp4', stored: 1e-4, onReferenceOnly: true, isPacked: true },
  ...tiny.map((name) => ({ name, stored: 1e-4 })),
];

export interface Oracle {
  readonly prompt: readonly number[];
  /** [prompt, vocabulary] */
  readonly logits: Float32Array;
}

export function readOracle(name: string): Oracle {
  const { prompt_ids } = JSON.parse(readFileSync(`${fixtures}/${name}/oracle.json`, 'utf8')) as {
    prompt_ids: number[];
  };
  const bytes = readFileSync(`${fixtures}/${name}/logits.f32`);
  return { prompt: prompt_ids, logits: new Float32Array(new Uint8Array(bytes).buffer) };
}

export function fixturePath(name: string): string {
  return name.includes('gguf') ? `${fixtures}/${name}/${name}.gguf` : `${fixtures}/${name}`;
}

/** Largest difference relative to the largest expected value. NaN never passes. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i] - expected[i]);
    if (!(d <= difference)) difference = d;
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}

/** Of tokens: so many may choose other experts for what int4 loses of their values, and then their logits are another function's. */
const TURNED = 0.2;

/** As `relativeError`, of all tokens but a share, those that are off most. */
function errorOfMost(actual: Float32Array, { prompt, logits }: Oracle, share: number): number {
  const vocabSize = logits.length / prompt.length;
  const largest = logits.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
  const errors = prompt.map((_, token) => {
    let difference = 0;
    for (let i = token * vocabSize; i < (token + 1) * vocabSize; i++)
      difference = Math.max(difference, Math.abs(actual[i] - logits[i]));
    return difference / largest;
  });
  if (actual.length !== logits.length || errors.some(Number.isNaN)) return Infinity;
  return errors.sort((a, b) => b - a)[Math.floor(share * errors.length)];
}

export function newCache(ops: Ops, model: CausalLM, dtype: KVDtype): KVCache {
  const size = { slots: SLOTS, windowSlots: SLOTS, dtype, maxRequests: 3, maxLength: MAX_LENGTH };
  return ops.createKVCache(kvCacheSpec(model.caches, size));
}

export interface Chunk {
  readonly row: number;
  readonly start: number;
  readonly ids: readonly number[];
}

/** Chunks of several rows, one behind the other, every token's logits wanted. */
export function batchOf(chunks: readonly Chunk[]): StepBatch {
  const tokens = chunks.flatMap(({ row, start, ids }) => ids.map((id, i) => ({ row, id, position: start + i })));
  let first = 0;
  const stateRuns = chunks.map(({ row, start, ids }) => {
    const run = { first, count: ids.length, before: start === 0 ? null : row, behind: row, keeps: [] };
    first += ids.length;
    return run;
  });
  const column = (f: (token: (typeof tokens)[number]) => number) => Uint32Array.from(tokens, f);
  const slots = column((t) => ((t.row * MAX_LENGTH + t.position) * 37) % SLOTS);
  return {
    tokenIds: column((t) => t.id),
    positions: column((t) => t.position),
    tableRows: column((t) => t.row),
    // The same for the layers that see everything and for those with a window, if there are both.
    slots: [slots, slots],
    stateRuns,
    logitIndices: Uint32Array.from(tokens.keys()),
  };
}

export async function forward(ops: Ops, model: CausalLM, kv: KVCache, chunks: readonly Chunk[]): Promise<Float32Array> {
  const step = ops.beginStep(batchOf(chunks), kv);
  const { logits } = model.forward(ops, step, kv);
  const read = ops.read(logits!);
  ops.endStep();
  return (await read) as Float32Array;
}

/** The prompt's logits when it is computed `sizes` tokens at a time (the last size repeats). */
async function inChunks(
  ops: Ops,
  model: CausalLM,
  prompt: readonly number[],
  sizes: readonly number[],
  kvDtype: KVDtype = 'f32',
): Promise<Float32Array> {
  const kv = newCache(ops, model, kvDtype);
  const out: number[] = [];
  for (let start = 0, i = 0; start < prompt.length; i++) {
    const ids = prompt.slice(start, start + sizes[Math.min(i, sizes.length - 1)]);
    out.push(...(await forward(ops, model, kv, [{ row: 1, start, ids }])));
    start += ids.length;
  }
  return Float32Array.from(out);
}

/** Two requests in one step: one decoding its last token, the other with half its prompt still to come. */
async function mixed(ops: Ops, model: CausalLM, prompt: readonly number[]): Promise<Float32Array> {
  const kv = newCache(ops, model, 'f32');
  const last = prompt.length - 1;
  const half = prompt.length >> 1;
  await forward(ops, model, kv, [
    { row: 0, start: 0, ids: prompt.slice(0, last) },
    { row: 2, start: 0, ids: prompt.slice(0, half) },
  ]);
  return forward(ops, model, kv, [
    { row: 2, start: half, ids: prompt.slice(half) },
    { row: 0, start: last, ids: prompt.slice(last) },
  ]);
}

async function load(ops: Ops, path: string, quant: Quantization): Promise<CausalLM> {
  const opened = openModel(path);
  try {
    return await loadModel(ops, opened, { quant, maxLength: MAX_LENGTH });
  } finally {
    opened.close();
  }
}

/** The same quantized weights, dequantized to f32 and run by the definition of every op. */
export async function loadDequantized(ops: Ops, path: string, quant: Quantization): Promise<CausalLM> {
  const opened = openModel(path);
  try {
    const plan = planWeights(opened, quant);
    const weights = mapLeaves(plan.weights, dequantized) as Tree<PlannedLeaf>;
    return await loadPlan(ops, opened, { ...plan, weights }, { maxLength: MAX_LENGTH });
  } finally {
    opened.close();
  }
}

function dequantized(leaf: PlannedLeaf): PlannedLeaf {
  const asFloats = (matrix: PlannedMatrix): PlannedMatrix => {
    const shape = { ...matrix, format: 'f32', groupSize: 0 } as const;
    return { ...shape, open: () => widen(matrix.open(), 'f32', 0) };
  };
  switch (leaf.kind) {
    case 'vec':
      return leaf;
    case 'lin':
      return { ...leaf, weight: asFloats(leaf.weight) };
    case 'heads':
    case 'table':
      return { ...leaf, matrix: asFloats(leaf.matrix) };
    default:
      return leaf satisfies never;
  }
}

export interface Bounds {
  /** Of the stored weights with f32 activations and KV, against transformers float32. */
  readonly stored: number;
  /** The same with an f16 KV cache. */
  readonly f16KV: number;
  readonly int8KV: number;
  /** Of four in five tokens where experts are chosen. */
  readonly int4KV: number;
  /** Between ways to cut the same tokens into steps. */
  readonly chunking: number;
  /** Quantized kernels against the same quantized weights dequantized. */
  readonly quantized: number;
}

/**
 * Everything that is asked of one checkpoint on one backend.
 * @param caches element types of the KV cache besides f32
 */
export async function examine(
  t: Test,
  ops: Ops,
  name: string,
  bounds: Bounds,
  caches: readonly ('f16' | 'int8' | 'int4')[] = ['f16', 'int8', 'int4'],
): Promise<void> {
  const oracle = readOracle(name);
  const path = fixturePath(name);
  const model = await load(ops, path, 'stored');
  const whole = await inChunks(ops, model, oracle.prompt, [oracle.prompt.length]);
  within(t, 'logits of transformers', relativeError(whole, oracle.logits), bounds.stored);

  const hasLatents = model.caches.some(({ kind }) => kind === 'latent');
  if (hasLatents) t.throws(() => newCache(ops, model, 'int4'), { code: 'bad_flag', param: 'kv_cache_dtype' });
  for (const dtype of caches.filter((dtype) => dtype !== 'int4' || !hasLatents)) {
    const kept = await inChunks(ops, model, oracle.prompt, [oracle.prompt.length], dtype);
    const turned = dtype === 'int4' && 'experts' in model.config ? TURNED : 0;
    const share = turned > 0 ? `, but for ${100 * turned} % of the tokens` : '';
    within(t, `with an ${dtype} KV cache${share}`, errorOfMost(kept, oracle, turned), bounds[`${dtype}KV`]);
    if (dtype === 'f16') continue;
    const again = await inChunks(ops, model, oracle.prompt, [7, 1, 16], dtype);
    within(t, `with an ${dtype} KV cache, in chunks`, relativeError(again, kept), bounds.chunking);
  }

  within(t, 'in chunks', relativeError(await inChunks(ops, model, oracle.prompt, [7, 1, 16]), whole), bounds.chunking);
  within(t, 'token by token', relativeError(await inChunks(ops, model, oracle.prompt, [1]), whole), bounds.chunking);
  within(
    t,
    'two requests in a step',
    relativeError(await mixed(ops, model, oracle.prompt), mixedRows(whole, oracle)),
    bounds.chunking,
  );

  // `stored` shows that what separates K-quants from transformers is the f16 rounding of their scales, not arithmetic.
  for (const quant of ['stored', 'int8', 'int4'] as const) {
    const reference = new ReferenceOps();
    const expected = await inChunks(reference, await loadDequantized(reference, path, quant), oracle.prompt, [99]);
    const actual = await inChunks(ops, await load(ops, path, quant), oracle.prompt, [99]);
    within(t, `${quant} weights, against the same dequantized`, relativeError(actual, expected), bounds.quantized);
    reference.destroy();
  }
}

/** A checkpoint in a packed format, whose tensors are those of llama on the device: logits of transformers, and in chunks. */
export async function examinePacked(t: Test, ops: Ops, { name, stored }: Checkpoint): Promise<void> {
  const { prompt, logits } = readOracle(name);
  const model = await load(ops, fixturePath(name), 'stored');
  const whole = await inChunks(ops, model, prompt, [prompt.length]);
  within(t, `${name}: logits of transformers`, relativeError(whole, logits), stored);
  within(t, `${name}: token by token`, relativeError(await inChunks(ops, model, prompt, [1]), whole), 1e-5);
}

/**
 * int8 activations on the backend against int8 activations in the definition (`same`: a value on a rounding boundary may
 * fall to either side) and against f32 ones (`f32`: what quantizing the activations costs).
 */
export async function examineInt8(
  t: Test,
  ops: Ops,
  name: string,
  bounds: { same: number; f32: number },
  /** ReferenceOps' option. */
  finely: boolean,
): Promise<void> {
  const { prompt } = readOracle(name);
  const run = async (ops: Ops, quant: Quantization) =>
    inChunks(ops, await load(ops, fixturePath(name), quant), prompt, [prompt.length]);
  for (const quant of ['int8', 'int4'] as const) {
    const actual = await run(ops, quant);
    const same = await run(new ReferenceOps({ activations: 'int8', finely }), quant);
    within(t, `${quant} weights, against int8 activations in the reference`, relativeError(actual, same), bounds.same);
    const f32 = await run(new ReferenceOps(), quant);
    within(t, `${quant} weights, against f32 activations`, relativeError(actual, f32), bounds.f32);
  }
}

/** The rows of the whole prompt's logits that `mixed` returns: the second half, then the last. */
function mixedRows(whole: Float32Array, { prompt }: Oracle): Float32Array {
  const vocab = whole.length / prompt.length;
  const half = prompt.length >> 1;
  return Float32Array.from([...whole.subarray(half * vocab), ...whole.subarray((prompt.length - 1) * vocab)]);
}

function within(t: Test, what: string, error: number, bound: number): void {
  t.ok(error <= bound, `${what}: relative error ${error.toExponential(1)} ≤ ${bound}`);
}
