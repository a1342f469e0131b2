/**
 * The head of a reward model: one number for a whole text, from the hidden state of its last token. Either a vector
 * (`score.weight` [1, H]: LlamaForSequenceClassification, Qwen2ForSequenceClassification with one label) or two layers
 * with ReLU between them (`score.0.*` [H, H], `score.2.*` [1, H]: Qwen2.5's own Qwen2ForRewardModel).
 *
 * It runs on the host, in float64: it is applied once a request, to a vector that is read back anyway.
 */
import { EngineError } from '../../errors.ts';
import type { ModelConfig } from '../config.ts';
import { readVector, type StoredTensor, type TensorTable } from '../files/stored-tensor.ts';

interface ScoreLayer {
  /** [rows, cols], row-major */
  readonly weight: Float32Array;
  /** [rows] */
  readonly bias: Float32Array | null;
}

export class ScoreHead {
  readonly #layers: readonly ScoreLayer[];

  constructor(layers: readonly ScoreLayer[]) {
    this.#layers = layers;
  }

  /** @param hidden [H] */
  score(hidden: Float32Array): number {
    const [first, ...rest] = this.#layers;
    const relu = (x: Float64Array): Float64Array => x.map((value) => Math.max(0, value));
    return rest.reduce((x, layer) => apply(layer, relu(x)), apply(first, hidden))[0];
  }
}

function apply({ weight, bias }: ScoreLayer, x: ArrayLike<number>): Float64Array {
  const cols = x.length;
  return Float64Array.from({ length: weight.length / cols }, (_, row) => {
    let sum = bias?.[row] ?? 0;
    for (let i = 0; i < cols; i++) sum += weight[row * cols + i] * x[i];
    return sum;
  });
}

/**
 * @param take marks a tensor as used and checks its shape
 * @returns reads the head; null for a checkpoint without one
 */
export function planScoreHead(
  tensors: TensorTable,
  { hiddenSize: h }: ModelConfig,
  take: (name: string, shape: readonly number[]) => StoredTensor,
): (() => ScoreHead) | null {
  const single = tensors.get('score.weight');
  const shapes: readonly (readonly [string, number])[] = single
    ? [['score', 1]]
    : tensors.has('score.0.weight')
      ? [
          ['score.0', h],
          ['score.2', 1],
        ]
      : [];
  if (shapes.length === 0) return null;
  const labels = (single ?? tensors.get('score.2.weight'))?.shape[0];
  if (labels !== undefined && labels !== 1)
    throw new EngineError(
      'unsupported_model',
      `${single?.file ?? ''}: the score head has ${labels} labels; only reward models, with one, are served`,
    );
  const layers = shapes.map(([name, rows]) => ({
    weight: take(`${name}.weight`, [rows, h]),
    bias: tensors.has(`${name}.bias`) ? take(`${name}.bias`, [rows]) : null,
  }));
  const read = ({ weight, bias }: (typeof layers)[number]): ScoreLayer => ({
    weight: readVector(weight),
    bias: bias && readVector(bias),
  });
  return () => new ScoreHead(layers.map(read));
}
