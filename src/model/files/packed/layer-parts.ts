/** The tensors that stand together for one linear layer. */
import { notReadable } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';

/** What a part has to be; `why` names what asks for the shape, in the plural. */
interface Expected {
  readonly dtypes?: readonly string[];
  readonly shape?: readonly number[];
  readonly why?: string;
}

export class LayerParts {
  /** The layer: `model.layers.0.mlp.up_proj`. */
  readonly name: string;
  /** Names of the parts that were taken. */
  readonly taken = new Set<string>();
  readonly #tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly #whole: SafetensorsTensor;

  /** @param whole the part by which the layer is found, `suffix` behind the layer's name */
  constructor(tensors: ReadonlyMap<string, SafetensorsTensor>, whole: SafetensorsTensor, suffix: string) {
    this.#tensors = tensors;
    this.#whole = whole;
    this.name = whole.name.slice(0, -suffix.length);
    this.taken.add(whole.name);
  }

  has(suffix: string): boolean {
    return this.#tensors.has(this.name + suffix);
  }

  take(suffix: string, { dtypes, shape, why }: Expected = {}): SafetensorsTensor {
    const tensor = this.#tensors.get(this.name + suffix);
    if (!tensor)
      throw notReadable(this.#whole.file, `tensor ${this.name}${suffix} is missing beside ${this.#whole.name}`);
    if (dtypes && !dtypes.includes(tensor.dtype))
      throw notReadable(tensor.file, `tensor ${tensor.name} is ${tensor.dtype}; ${dtypes.join(' or ')} is expected`);
    if (shape && (tensor.shape.length !== shape.length || !tensor.shape.every((d, i) => d === shape[i])))
      throw notReadable(
        tensor.file,
        `tensor ${tensor.name} is [${tensor.shape.join(', ')}]; ${why} ask for [${shape.join(', ')}]`,
      );
    this.taken.add(tensor.name);
    return tensor;
  }

  takeIfThere(suffix: string, expected: Expected = {}): SafetensorsTensor | null {
    return this.has(suffix) ? this.take(suffix, expected) : null;
  }

  /** Bytes in the file of all that was taken. */
  get bytes(): number {
    return [...this.taken].reduce((n, name) => n + (this.#tensors.get(name)?.bytes ?? 0), 0);
  }
}
