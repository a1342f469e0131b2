/**
 * The WGSL backend: each method calls the op's launcher, which picks the kernel (kernel-sets.ts) and records it; a program's
 * ops are listed first (program/programs.ts). A subclass that overrides an op has it run in every step: what stands for
 * several ops at once is not used for that one, and steps that have it are never run again without its code. It gets
 * tensors whose memory is there until it returns. See Ops for the contract. Shapes are the caller's to keep; checked are the length of uploads, the columns of a product, and what no
 * kernel can do (head_dim, the size of a grid).
 */
import { waitForGpu } from '../gpu/wait.ts';
import type { Gpu } from '../gpu/device.ts';
import { copiedBytes, TEXTURE_WIDTH } from '../gpu/texture-pool.ts';
import { EngineError } from '../errors.ts';
import type { MatrixSource } from '../tensor/matrix.ts';
import { numel, type Shape, type Tensor } from '../tensor/tensor.ts';
import { activate } from './activation/activation.ts';
import { add } from './add/add.ts';
import { argmax } from './argmax/argmax.ts';
import { attention } from './attention/attention.ts';
import { cap } from './cap/cap.ts';
import { combine } from './combine/combine.ts';
import { fusedDecoderLayer } from './decoder-layer/decoder-layer.ts';
import { deltaRule } from './delta-rule/delta-rule.ts';
import { embedding } from './embedding/embedding.ts';
import { expertMatmul } from './expert-matmul/expert-matmul.ts';
import { fusedMatmul } from './fused-matmul/fused-matmul.ts';
import { gatedMul } from './gated-mul/gated-mul.ts';
import { gatedNorm } from './gated-norm/gated-norm.ts';
import { headMatmul } from './head-matmul/head-matmul.ts';
import { headNorm } from './head-norm/head-norm.ts';
import { createGpuKVCache, type GpuKVCache } from './kv-cache/kv-cache.ts';
import { storeLastTokens } from './kv-cache/last-tokens.ts';
import { layerNorm } from './layer-norm/layer-norm.ts';
import { addLora, createGpuLora, writeLora } from './lora/lora.ts';
import { matmul, uploadMatrix } from './matmul/matmul.ts';
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
  KVCache,
  KVCacheSpec,
  KVLayer,
  LatentLayer,
  LatentQueries,
  Lora,
  LoraSpec,
  LoraWeights,
  MatmulOption,
  Matrix,
  ModelOps,
  NormSpec,
  Ops,
  ProgramResult,
  RmsNormSpec,
  RotarySpec,
  RouteSpec,
  SamplingRow,
  SelectiveScanSpec,
  ShortConvSpec,
  StatePart,
  Step,
  StepBatch,
} from './ops.ts';
import { Programs } from './program/programs.ts';
import { dequantizeQ8 } from './quantize/quantize.ts';
import { rmsNorm } from './rms-norm/rms-norm.ts';
import { fusedHeadNormRotary } from './rotary-embedding/head-norm-rotary.ts';
import { rotaryStoreKV } from './rotary-embedding/rotary-embedding.ts';
import { rotate } from './rotary-embedding/rotate.ts';
import { route } from './route/route.ts';
import { rotaryStoreLatent } from './rotary-store-latent/rotary-store-latent.ts';
import { sample } from './sample/sample.ts';
import { topLogprobs } from './sample/top-logprobs.ts';
import { scale } from './scale/scale.ts';
import { sigmoidGate } from './sigmoid-gate/sigmoid-gate.ts';
import { selectiveScan } from './selective-scan/selective-scan.ts';
import { shortConv } from './short-conv/short-conv.ts';
import { softmax } from './softmax/softmax.ts';
import { uploadStep, type GpuStep } from './step/step.ts';
import { takeLogitRows, takePromptRows } from './take-rows/take-rows.ts';
import { WebGPUContext, bufferOf, bytesOf, resourceOf, type WebGPUOpsOptions } from './webgpu-context.ts';

export class WebGPUOps implements Ops {
  readonly backend = 'webgpu';
  readonly context: WebGPUContext;
  readonly #programs: Programs;
  /** The step that was begun last. */
  #step: GpuStep | null = null;
  /** Settled with the latest read. Each waits with naps of its own, and two that are ready would end in any order. */
  #lastRead: Promise<unknown> = Promise.resolve();

  constructor(gpu: Gpu, options: WebGPUOpsOptions = {}) {
    this.context = new WebGPUContext(gpu, options);
    const isSwapped = (op: keyof ModelOps): boolean => this[op] !== WebGPUOps.prototype[op];
    const fusions = [fusedDecoderLayer, fusedMatmul, fusedHeadNormRotary];
    this.#programs = new Programs(this.context, this, isSwapped, fusions, options);
  }

  uploadMatrix(source: MatrixSource): Promise<Matrix> {
    return uploadMatrix(this.context, source);
  }

  uploadF32(data: Float32Array, shape: Shape): Tensor {
    if (data.length !== numel(shape)) {
      throw new EngineError('internal_error', `uploadF32: ${data.length} values for shape [${shape.join()}]`);
    }
    return { shape, dtype: 'f32', storage: this.context.constantBuffer(data, 'constant') };
  }

  createKVCache(spec: KVCacheSpec): KVCache {
    return createGpuKVCache(this.context, spec);
  }

  createLora(spec: LoraSpec): Lora {
    return createGpuLora(this.context, spec);
  }

  writeLora(lora: Lora, slot: number, weights: LoraWeights): void {
    writeLora(this.context, lora, slot, weights);
  }

  writeSlots(kv: KVCache, group: number, tableRow: number, start: number, slots: Uint32Array): void {
    const { slotTables } = (kv as GpuKVCache).storage;
    this.#write(slotTables[group], tableRow * kv.spec.maxLength + start, slots);
  }

  writeTokens(kv: KVCache, tableRow: number, tokenIds: Uint32Array): void {
    this.#write((kv as GpuKVCache).storage.tokens, tableRow * kv.spec.maxLength, tokenIds);
  }

  beginStep(batch: StepBatch, kv: KVCache): Step {
    this.#step = uploadStep(this.context, batch, kv as GpuKVCache);
    return this.#step;
  }

  flush(): void {
    this.context.recorder.submit();
  }

  endStep(): void {
    this.context.recorder.submit();
    this.context.memory.releaseAll();
  }

  program<R extends ProgramResult>(owner: object, step: Step, body: (ops: ModelOps) => R): R {
    return this.#programs.run(owner, step as GpuStep, body);
  }

  scope(_name: string, body: () => Tensor): Tensor {
    return this.context.memory.scope(body);
  }

  named(_site: string, x: Tensor): Tensor {
    return x;
  }

  embedding(step: Step, table: Matrix, option?: EmbeddingOption): Tensor {
    return embedding(this.context, step, table, option);
  }

  norm(x: Tensor, norm: NormSpec, option?: ConsumerOption): Tensor {
    const form = this.context.activationFor(option?.to);
    return norm.kind === 'rms' ? rmsNorm(this.context, x, norm, form) : layerNorm(this.context, x, norm, form);
  }

  headNorm(qkv: Tensor, norms: HeadNorms, eps: number, layer: KVLayer): Tensor {
    return headNorm(this.context, qkv, norms, eps, layer);
  }

  add(a: Tensor, b: Tensor, scale = 1): Tensor {
    return add(this.context, a, b, scale);
  }

  scale(x: Tensor, factor: number): Tensor {
    return scale(this.context, x, factor);
  }

  cap(x: Tensor, c: number): Tensor {
    return cap(this.context, x, c);
  }

  matmul(x: Tensor, w: Matrix, option?: MatmulOption): Tensor {
    return matmul(this.context, x, w, option);
  }

  addLora(y: Tensor, x: Tensor, lora: Lora): Tensor {
    return this.#step?.batch.adapters ? addLora(this.context, y, x, lora, this.#step) : y;
  }

  rotate(qkv: Tensor, rotary: RotarySpec, layer: KVLayer, step: Step): Tensor {
    return rotate(this.context, qkv, rotary, layer, step);
  }

  rotaryStoreKV(qkv: Tensor, rotary: RotarySpec | null, layer: KVLayer, step: Step): Tensor {
    return rotaryStoreKV(this.context, qkv, rotary, layer, step);
  }

  headMatmul(x: Tensor, w: Matrix, option?: ConsumerOption): Tensor {
    return headMatmul(this.context, x, w, this.context.activationFor(option?.to));
  }

  rotaryStoreLatent(
    queries: LatentQueries,
    kv: Tensor,
    norm: RmsNormSpec,
    rotary: RotarySpec,
    layer: LatentLayer,
    step: Step,
  ): Tensor {
    return rotaryStoreLatent(this.context, queries, kv, norm, rotary, layer, step);
  }

  attention(q: Tensor, layer: AttendedLayer, step: Step, spec: AttentionSpec, option?: ConsumerOption): Tensor {
    return attention(this.context, q, layer, step, spec, this.context.activationFor(option?.to));
  }

  gatedMul(gateUp: Tensor, activation: GatedActivation, option?: ConsumerOption): Tensor {
    return gatedMul(this.context, gateUp, activation, this.context.activationFor(option?.to));
  }

  activate(x: Tensor, activation: Activation, option?: ConsumerOption): Tensor {
    return activate(this.context, x, activation, this.context.activationFor(option?.to));
  }

  route(logits: Tensor, spec: RouteSpec): Tensor {
    return route(this.context, logits, spec);
  }

  expertMatmul(x: Tensor, w: Matrix, routing: Tensor, option?: ExpertMatmulOption): Tensor {
    return expertMatmul(this.context, x, w, routing, option);
  }

  combine(y: Tensor, routing: Tensor, residual?: Tensor): Tensor {
    return combine(this.context, y, routing, residual);
  }

  sigmoidGate(x: Tensor, gate: Tensor): Tensor {
    return sigmoidGate(this.context, x, gate);
  }

  shortConv(x: Columns, conv: ShortConvSpec, state: StatePart, step: Step): Tensor {
    return shortConv(this.context, x, conv, state, step);
  }

  deltaRule(qkv: Tensor, gates: Columns, rule: DeltaRuleSpec, state: StatePart, step: Step): Tensor {
    return deltaRule(this.context, qkv, gates, rule, state, step);
  }

  selectiveScan(xbc: Tensor, steps: Columns, scan: SelectiveScanSpec, state: StatePart, step: Step): Tensor {
    return selectiveScan(this.context, xbc, steps, scan, state, step);
  }

  gatedNorm(x: Tensor, gate: Columns, norm: GatedNormSpec, option?: ConsumerOption): Tensor {
    return gatedNorm(this.context, x, gate, norm, this.context.activationFor(option?.to));
  }

  takeLogitRows(x: Tensor, step: Step): Tensor {
    return takeLogitRows(this.context, x, step);
  }

  takePromptRows(x: Tensor, step: Step): Tensor {
    return takePromptRows(this.context, x, step);
  }

  softmax(x: Tensor): Tensor {
    return softmax(this.context, x);
  }

  argmax(x: Tensor): Tensor {
    return argmax(this.context, x);
  }

  sample(logits: Tensor, step: Step, rows: readonly SamplingRow[]): Tensor {
    return sample(this.context, logits, step, rows);
  }

  topLogprobs(logits: Tensor, ids: Tensor, rows: readonly number[], width: number): Tensor {
    return topLogprobs(this.context, logits, ids, rows, width);
  }

  storeLastTokens(ids: Tensor, step: Step): void {
    storeLastTokens(this.context, ids, step);
  }

  read(x: Tensor): Promise<Float32Array | Uint32Array> {
    const read = Promise.all([this.#read(x), this.#lastRead]).then(([values]) => values);
    this.#lastRead = read.catch(() => undefined);
    return read;
  }

  async #read(x: Tensor): Promise<Float32Array | Uint32Array> {
    const { gpu, recorder } = this.context;
    const bytes = bytesOf(x.shape, x.dtype);
    if (bytes === 0) return x.dtype === 'u32' ? new Uint32Array(0) : new Float32Array(0);
    const texture = this.context.memory.textureOf(resourceOf(x));
    const staging = this.context.staging.take(texture ? copiedBytes(bytes / 16) : bytes);
    if (texture) recorder.copyTexture(texture, Math.ceil(bytes / 16 / TEXTURE_WIDTH), staging, copiedBytes(1));
    else recorder.copy(bufferOf(x), 0, staging, 0, Math.ceil(bytes / 4) * 4);
    recorder.submit();
    try {
      await waitForGpu(staging.mapAsync(GPUMapMode.READ, 0, Math.ceil(bytes / 8) * 8));
    } catch (cause) {
      throw gpu.failure() ?? new EngineError('device_lost', 'the GPU could not be read back', { cause });
    }
    const failure = gpu.failure();
    if (failure) throw failure;
    const data = staging.getMappedRange(0, Math.ceil(bytes / 8) * 8).slice(0);
    staging.unmap();
    this.context.staging.give(staging);
    if (x.dtype === 'q8') return dequantizeQ8(new Uint32Array(data), x.shape);
    return x.dtype === 'u32' ? new Uint32Array(data, 0, bytes / 4) : new Float32Array(data, 0, numel(x.shape));
  }

  injectFault(fault: 'device_lost' | 'out_of_memory'): void {
    const { device } = this.context.gpu;
    if (fault === 'device_lost') return device.destroy();
    const error = new GPUOutOfMemoryError('injected fault');
    device.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error }));
  }

  destroy(): void {
    this.context.pool.destroy();
    this.context.textures.destroy();
    this.context.gpu.destroy();
  }

  /** At once, in front of what is submitted later. */
  #write(buffer: GPUBuffer, start: number, words: Uint32Array): void {
    this.context.gpu.device.queue.writeBuffer(buffer, start * 4, words.buffer, words.byteOffset, words.byteLength);
  }
}
