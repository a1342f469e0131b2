/** Streams a checkpoint's weights into a backend: a few rows at a time, so host memory stays bounded. */
import type { Quantization } from '../../config.ts';
import type { Linear, Matrix, Ops } from '../../kernels/ops.ts';
import { matrixBytes, type MatrixSource } from '../../tensor/matrix.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { CausalLM } from '../causal-lm.ts';
import type { DecoderLayerWeights, DecoderWeights } from '../layers/layers.ts';
import { planBytes } from './memory-plan.ts';
import type { OpenModel } from '../files/open-model.ts';
import { rotaryTable } from '../layers/rope.ts';
import {
  planWeights,
  type PlannedLayer,
  type PlannedLinear,
  type PlannedMatrix,
  type PlannedVector,
  type WeightPlan,
} from './weight-plan.ts';

/** Bytes handed to the backend so far, and in all. */
export type Progress = (done: number, total: number) => void;

export interface LoadOptions {
  readonly quant: Quantization;
  /** Positions of the rotary table: the longest context of one request, at most the config's maxPositionEmbeddings. */
  readonly maxLength: number;
  readonly onProgress?: Progress;
  /** Told the name of each tensor that holds NaN or infinity. */
  readonly onNonFinite?: (name: string) => void;
}

/** Weights and rotary table of an opened model → a model that runs on `ops`. The files may be closed afterwards. */
export async function loadModel(ops: Ops, model: OpenModel, options: LoadOptions): Promise<CausalLM> {
  const { config, architecture } = model;
  const plan = planWeights(model, options.quant, options.onNonFinite);
  const weights = await loadWeights(ops, plan, options.onProgress);
  const table = rotaryTable(config.ropeParameters, config.headDim, options.maxLength);
  const rotary = {
    headDim: config.headDim,
    rotaryDim: config.headDim,
    interleaved: false,
    table: ops.uploadF32(table, [options.maxLength, config.headDim]),
  };
  return architecture.create(config, weights, rotary);
}

export async function loadWeights(
  ops: Ops,
  plan: WeightPlan,
  onProgress: Progress = () => {},
): Promise<DecoderWeights> {
  const loader = new Loader(ops, planBytes(plan).total, onProgress);
  const embedTokens = await loader.matrix(plan.embedTokens);
  const layers: DecoderLayerWeights[] = [];
  for (const layer of plan.layers) layers.push(await loader.layer(layer));
  const norm = loader.vector(plan.norm);
  const scoreHead = plan.readScoreHead?.() ?? null;
  const ownHead = plan.lmHead && (await loader.matrix(plan.lmHead));
  const lmHead = scoreHead ? null : (ownHead ?? embedTokens);
  return { embedTokens, layers, norm, lmHead, scoreHead };
}

class Loader {
  readonly #ops: Ops;
  readonly #total: number;
  readonly #onProgress: Progress;
  #done = 0;

  constructor(ops: Ops, total: number, onProgress: Progress) {
    this.#ops = ops;
    this.#total = total;
    this.#onProgress = onProgress;
  }

  async layer(plan: PlannedLayer): Promise<DecoderLayerWeights> {
    return {
      inputNorm: this.vector(plan.inputNorm),
      qkv: await this.linear(plan.qkv),
      o: await this.linear(plan.o),
      postAttentionNorm: this.vector(plan.postAttentionNorm),
      gateUp: await this.linear(plan.gateUp),
      down: await this.linear(plan.down),
    };
  }

  async linear({ weight, bias }: PlannedLinear): Promise<Linear> {
    return { weight: await this.matrix(weight), ...(bias && { bias: this.vector(bias) }) };
  }

  vector({ length, read }: PlannedVector): Tensor {
    const tensor = this.#ops.uploadF32(read(), [length]);
    this.#report(length * 4, 1);
    this.#done += length * 4;
    return tensor;
  }

  async matrix(planned: PlannedMatrix): Promise<Matrix> {
    const source = planned.open();
    const bytes = matrixBytes(source);
    const watched: MatrixSource = {
      ...source,
      readRows: (start, count) => {
        const rows = source.readRows(start, count);
        this.#report(bytes, (start + count) / source.rows);
        return rows;
      },
    };
    const matrix = await this.#ops.uploadMatrix(watched);
    this.#done += bytes;
    return matrix;
  }

  #report(bytes: number, fraction: number): void {
    this.#onProgress(this.#done + bytes * fraction, this.#total);
  }
}
