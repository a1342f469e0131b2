import { setImmediate } from 'node:timers/promises';
import type { Constraint } from '../../src/engine/grammar/constraint.ts';
import { maskOf } from './sampling.ts';

/** Allows ids whose remainder by 3 follows on the last token's: 0, 1, 2, 0, …; its masks take a while. */
export class SlowConstraint implements Constraint {
  readonly error = null;
  readonly #vocabSize: number;
  #remainder = 0;

  constructor(vocabSize: number) {
    this.#vocabSize = vocabSize;
  }

  async mask(): Promise<Uint32Array> {
    await setImmediate();
    const remainder = this.#remainder;
    const ids = Array.from({ length: this.#vocabSize }, (_, id) => id);
    return maskOf(
      ids.filter((id) => id % 3 === remainder),
      this.#vocabSize,
    );
  }

  accept(tokenId: number): void {
    this.#remainder = (tokenId + 1) % 3;
  }

  close(): void {}
}
