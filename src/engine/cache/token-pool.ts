/**
 * Allocator of KV slots, one token each (LightLLM's "token attention"): an int32 array of all slot numbers used as a
 * stack. There are no pages, so nothing is lost to internal fragmentation and any prefix can be shared at token resolution.
 */
import { EngineError } from '../../errors.ts';

export class TokenPool {
  readonly size: number;
  /** `#stack[0 … #free-1]` are the free slots; `alloc` takes from the top, `release` puts back on it. */
  readonly #stack: Int32Array;
  /** 1 for a slot that is handed out: a slot freed twice would silently mix two requests' contexts. */
  readonly #taken: Uint8Array;
  #free: number;

  /** @param size slots in all, numbered 0 … size-1 */
  constructor(size: number) {
    this.size = size;
    // Descending, so that a fresh pool hands out 0, 1, 2 …
    this.#stack = Int32Array.from({ length: size }, (_, i) => size - 1 - i);
    this.#taken = new Uint8Array(size);
    this.#free = size;
  }

  get free(): number {
    return this.#free;
  }

  /** Takes n slots. The caller has made sure that they are there (`free`, and eviction before that). */
  alloc(n: number): number[] {
    if (n > this.#free) throw new EngineError('internal_error', `KV pool: ${n} slots wanted, ${this.#free} free`);
    const slots: number[] = [];
    for (let i = 0; i < n; i++) {
      const slot = this.#stack[--this.#free];
      this.#taken[slot] = 1;
      slots.push(slot);
    }
    return slots;
  }

  release(slots: ArrayLike<number>): void {
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      if (this.#taken[slot] !== 1) throw new EngineError('internal_error', `KV pool: slot ${slot} freed twice`);
      this.#taken[slot] = 0;
      this.#stack[this.#free++] = slot;
    }
  }

  /** Whether a slot is handed out; for the invariant checks. */
  isTaken(slot: number): boolean {
    return this.#taken[slot] === 1;
  }
}
