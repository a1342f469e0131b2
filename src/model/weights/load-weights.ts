/** Streams a checkpoint's weights into a backend: a few rows at a time, so host memory stays bounded. */
import type { Quantization } from '../../config.ts';
import type { Linear, Lora, LoraSpec, Matrix, Ops } from '../../kernels/ops.ts';
import { matrixBytes, type MatrixSource } from '../../tensor/matrix.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { CausalLM } from '../causal-lm.ts';
import type { OpenModel } from '../files/open-model.ts';
import { planBytes } from './memory-plan.ts';
import { loadedParts } from './model-parts.ts';
import type { PlannedVector } from './planned-vector.ts';
import { loraShape, mapLeavesInOrder, type LinSpec } from './spec.ts';
import { planWeights, type PlannedLeaf, type PlannedMatrix, type WeightPlan } from './weight-plan.ts';

/** Bytes handed to the backend so far, and in all. */
export type Progress = (done: number, total: number) => void;

export interface LoadOptions {
  readonly quant: Quantization;
  /** The longest context of one request, at most the config's maxPositionEmbeddings. */
  readonly maxLength: number;
  readonly onProgress?: Progress;
  /** Told the name of each tensor in which NaN or infinity is found. */
  readonly onNonFinite?: (name: string) => void;
  /** Room for adapters beside each linear layer; none where it is absent. */
  readonly lora?: LoraRoom | null;
}

export interface LoraRoom extends Pick<LoraSpec, 'slots' | 'maxRank'> {
  /** Told of the room beside each layer, by the layer's name (lora/adapter.ts). */
  readonly onLora: (lora: Lora) => void;
}

/** Weights of an opened model → a model that runs on `ops`. The files may be closed afterwards. */
export function loadModel(ops: Ops, model: OpenModel, options: LoadOptions): Promise<CausalLM> {
  return loadPlan(ops, model, planWeights(model, options.quant, options.onNonFinite), options);
}

export async function loadPlan(
  ops: Ops,
  { architecture, config }: Pick<OpenModel, 'architecture' | 'config'>,
  plan: WeightPlan,
  { maxLength, onProgress = () => {}, lora = null }: Omit<LoadOptions, 'quant' | 'onNonFinite'>,
): Promise<CausalLM> {
  const loader = new Loader(ops, planBytes(plan).total, onProgress, lora);
  const weights = await mapLeavesInOrder(plan.weights, (leaf) => loader.leaf(leaf));
  const scoreHead = plan.readScoreHead?.() ?? null;
  return architecture.create(config, weights, loadedParts(ops, maxLength, scoreHead));
}

class Loader {
  readonly #ops: Ops;
  readonly #total: number;
  readonly #onProgress: Progress;
  readonly #lora: LoraRoom | null;
  #done = 0;

  constructor(ops: Ops, total: number, onProgress: Progress, lora: LoraRoom | null) {
    this.#ops = ops;
    this.#lora = lora;
    this.#total = total;
    this.#onProgress = onProgress;
  }

  async leaf(leaf: PlannedLeaf): Promise<Tensor | Linear | Matrix> {
    switch (leaf.kind) {
      case 'vec':
        return this.#vector(leaf);
      case 'lin':
        return {
          weight: await this.#matrix(leaf.weight),
          ...(leaf.bias && { bias: this.#vector(leaf.bias) }),
          ...(this.#lora && leaf.spec && !leaf.spec.isRouter && { lora: this.#adapters(leaf.spec, this.#lora) }),
        };
      case 'heads':
      case 'table':
        return this.#matrix(leaf.matrix);
      default:
        return leaf satisfies never;
    }
  }

  #vector({ length, read }: PlannedVector): Tensor {
    const tensor = this.#ops.uploadF32(read(), [length]);
    this.#report(length * 4, 1);
    this.#done += length * 4;
    return tensor;
  }

  #adapters(spec: LinSpec, { slots, maxRank, onLora }: LoraRoom): Lora {
    const lora = this.#ops.createLora({ ...loraShape(spec), slots, maxRank });
    onLora(lora);
    return lora;
  }

  async #matrix(planned: PlannedMatrix): Promise<Matrix> {
    const source = planned.open();
    const bytes = matrixBytes(source);
    const watched: MatrixSource = {
      ...source,
      ...(planned.experts !== undefined && { experts: planned.experts }),
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
