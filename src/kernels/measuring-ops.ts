/**
 * Ops that compute nothing and count what a step would hold: the model's own code, run over shapes, says how many bytes its
 * activations take, so that the memory plan cannot drift from it. Op by op, as `ReferenceOps` and `WebGPUOps` do it.
 */
import type { MatrixSource } from '../tensor/matrix.ts';
import type { DType, Shape, Tensor } from '../tensor/tensor.ts';
import type {
  Activation,
  AttentionSpec,
  ConsumerOption,
  HeadNorms,
  KVCache,
  KVCacheSpec,
  KVLayer,
  Matrix,
  NormSpec,
  Ops,
  Step,
  StepBatch,
} from './ops.ts';
import { MOST_CANDIDATES } from './sample/sample.ts';
import { bytesOf } from './webgpu-context.ts';

export class MeasuringOps implements Ops {
  readonly backend = 'measuring';
  readonly #activations: 'f32' | 'int8';
  #live = 0;
  #peak = 0;
  /** Tensors of each open scope; the step's own are in the first. */
  #scopes: Tensor[][] = [[]];

  constructor(activations: 'f32' | 'int8') {
    this.#activations = activations;
  }

  /** Bytes of the most activations that lived at the same time. */
  get peak(): number {
    return this.#peak;
  }

  async uploadMatrix({ name, rows, cols, format }: Omit<MatrixSource, 'readRows'>): Promise<Matrix> {
    return { name, rows, cols, format, storage: null };
  }

  /** Constants are no activations. */
  uploadF32(_data: Float32Array, shape: Shape): Tensor {
    return { shape, dtype: 'f32', storage: null };
  }

  createKVCache(spec: KVCacheSpec): KVCache {
    return { spec, layers: spec.layers.map((layer) => ({ ...layer, storage: null })), storage: null };
  }

  writeSlots(): void {}

  writeTokens(): void {}

  beginStep(batch: StepBatch): Step {
    return { numTokens: batch.tokenIds.length, numLogits: batch.logitIndices.length, batch, storage: null };
  }

  flush(): void {}

  endStep(): void {
    this.#live = 0;
    this.#scopes = [[]];
  }

  scope(body: () => Tensor): Tensor {
    this.#scopes.push([]);
    const result = body();
    for (const tensor of this.#scopes.pop() ?? []) {
      if (tensor === result) this.#scopes.at(-1)?.push(tensor);
      else this.#live -= bytesOf(tensor.shape, tensor.dtype);
    }
    return result;
  }

  embedding(step: Step, table: Matrix): Tensor {
    return this.#tensor([step.numTokens, table.cols]);
  }

  norm(x: Tensor, _norm: NormSpec, option?: ConsumerOption): Tensor {
    return this.#tensor(x.shape, this.#form(option));
  }

  headNorm(qkv: Tensor, _norms: HeadNorms): Tensor {
    return this.#tensor(qkv.shape);
  }

  add(a: Tensor): Tensor {
    return this.#tensor(a.shape);
  }

  scale(x: Tensor): Tensor {
    return this.#tensor(x.shape);
  }

  cap(x: Tensor): Tensor {
    return this.#tensor(x.shape);
  }

  matmul(x: Tensor, w: Matrix): Tensor {
    return this.#tensor([x.shape[0], w.rows]);
  }

  rotaryStoreKV(qkv: Tensor, _rotary: unknown, { kvHeads, headDim }: KVLayer): Tensor {
    return this.#tensor([qkv.shape[0], qkv.shape[1] - 2 * kvHeads * headDim]);
  }

  attention(q: Tensor, _layer: KVLayer, _step: Step, _spec: AttentionSpec, option?: ConsumerOption): Tensor {
    return this.#tensor(q.shape, this.#form(option));
  }

  gatedMul(gateUp: Tensor, _activation: Activation, option?: ConsumerOption): Tensor {
    return this.#tensor([gateUp.shape[0], gateUp.shape[1] / 2], this.#form(option));
  }

  activate(x: Tensor, _activation: Activation, option?: ConsumerOption): Tensor {
    return this.#tensor(x.shape, this.#form(option));
  }

  fusedDecoderLayer(): null {
    return null;
  }

  takeLogitRows(x: Tensor, step: Step): Tensor {
    return this.#tensor([step.numLogits, x.shape[1]]);
  }

  takePromptRows(x: Tensor, step: Step): Tensor {
    return this.#tensor([step.batch.promptIndices?.length ?? 0, x.shape[1]]);
  }

  softmax(x: Tensor): Tensor {
    return this.#tensor(x.shape);
  }

  argmax(x: Tensor): Tensor {
    return this.#tensor([x.shape[0]], 'u32');
  }

  /** Of each row a changed copy, how often each token was there, and the candidates with their ids (kernels/sample). */
  sample(logits: Tensor): Tensor {
    const [rows, vocabulary] = logits.shape;
    this.#tensor([rows, 2 * vocabulary + 2 * MOST_CANDIDATES]);
    return this.#tensor([rows], 'u32');
  }

  topLogprobs(_logits: Tensor, _ids: Tensor, rows: readonly number[], width: number): Tensor {
    return this.#tensor([rows.length, 1 + 2 * width]);
  }

  storeLastTokens(): void {}

  async read(): Promise<Float32Array> {
    return new Float32Array(0);
  }

  destroy(): void {}

  #tensor(shape: Shape, dtype: DType = 'f32'): Tensor {
    const tensor = { shape, dtype, storage: null };
    this.#scopes.at(-1)?.push(tensor);
    this.#live += bytesOf(shape, dtype);
    this.#peak = Math.max(this.#peak, this.#live);
    return tensor;
  }

  #form(option: ConsumerOption | undefined): 'f32' | 'q8' {
    const format = option?.to?.format;
    return this.#activations === 'int8' && (format === 'int8' || format === 'int4') ? 'q8' : 'f32';
  }
}
