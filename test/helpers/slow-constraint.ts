import { setImmediate } from 'node:timers/promises';
import type { Constraint } from '../../src/engine/constraint.ts';
import { maskOf } from './sampling.ts';

/** Allows ids whose remainder by 3 is that of the number of tokens so far; its masks take a while. */
export class SlowConstraint implements Constraint {
  readonly error = null;
  readonly #vocabSize: number;
  #length = 0;

  constructor(vocabSize: number) {
    this.#vocabSize = vocabSize;
  }

  async mask(): Promise<Uint32Array> {
    await setImmediate();
    const remainder = this.#length % 3;
    const ids = Array.from({ length: this.#vocabSize }, (_, id) => id);
    return maskOf(
      ids.filter((id) => id % 3 === remainder),
      this.#vocabSize,
    );
  }

  accept(): void {
    this.#length++;
  }

  close(): void {}
}
