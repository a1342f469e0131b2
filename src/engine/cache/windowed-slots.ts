/**
 * Slots of the layers that see a window only. A position's slot of the other layers (or, where there are none, the slot it
 * is counted by) is its name here: `#slotOf` says which windowed slot it has, if it still has one. A windowed slot is needed
 * by the running requests in whose windows its position lies; when the last of them has moved on it is spare, still good
 * for a request that takes the prefix over, and given up, oldest first, when others need slots.
 */
import { EngineError } from '../../errors.ts';
import type { EngineRequest } from '../core/engine-request.ts';
import type { WindowSpec } from '../core/types.ts';
import { TokenPool } from './token-pool.ts';

const NONE = -1;

export class WindowedSlots {
  readonly pool: TokenPool;
  readonly #window: number;
  /** Windowed slot of each slot of the main pool, or NONE. */
  readonly #slotOf: Int32Array;
  /** Running requests that need it. */
  readonly #needed: Int32Array;
  /** Main slots whose windowed slot nobody needs, oldest first. */
  readonly #spare = new Set<number>();

  /** @param mainSlots size of the main pool */
  constructor({ window, slots }: WindowSpec, mainSlots: number) {
    this.#window = window;
    this.pool = new TokenPool(slots);
    this.#slotOf = new Int32Array(mainSlots).fill(NONE);
    this.#needed = new Int32Array(mainSlots);
  }

  /** Windowed slots that running requests need. */
  get inUse(): number {
    return this.pool.size - this.pool.free - this.#spare.size;
  }

  /** The windowed slot of each; 0, which nobody looks at, for those whose slot is gone. */
  slotsOf(mainSlots: readonly number[]): number[] {
    return mainSlots.map((slot) => Math.max(0, this.#slotOf[slot]));
  }

  /**
   * How much of a cached prefix can be gone on from: the longest beginning whose last positions, as far as the next token
   * sees them, have their slots.
   * @param prefix main slots in order
   */
  usable(prefix: readonly number[]): number {
    let run = 0;
    let usable = 0;
    prefix.forEach((slot, p) => {
      run = this.#slotOf[slot] === NONE ? 0 : run + 1;
      if (run >= Math.min(p + 1, this.#window - 1)) usable = p + 1;
    });
    return usable;
  }

  /** The request goes on at position `next`: what lies behind its window is not needed any more, what lies in it is. */
  moveTo(request: EngineRequest, next: number): void {
    const { start, end } = request.held;
    const first = Math.max(0, next - this.#window + 1);
    for (let p = start; p < Math.min(first, end); p++) this.#drop(request.slots[p]);
    for (let p = Math.max(first, end); p < next; p++) this.#need(request.slots[p]);
    request.held = { start: first, end: next };
  }

  /** Gives the request's newest positions, of these main slots, windowed ones. */
  alloc(request: EngineRequest, mainSlots: readonly number[]): void {
    const missing = mainSlots.length - this.pool.free;
    if (missing > 0) this.#evict(missing);
    this.pool.alloc(mainSlots.length).forEach((slot, i) => {
      this.#slotOf[mainSlots[i]] = slot;
      this.#needed[mainSlots[i]] = 1;
    });
    request.held = { ...request.held, end: request.held.end + mainSlots.length };
  }

  /** The request does not run any more. */
  leave(request: EngineRequest): void {
    for (let p = request.held.start; p < request.held.end; p++) this.#drop(request.slots[p]);
    request.held = { start: 0, end: 0 };
  }

  /** Main slots that come free, which takes their windowed ones with them. */
  free(mainSlots: ArrayLike<number>): void {
    for (let i = 0; i < mainSlots.length; i++) this.#release(mainSlots[i]);
  }

  /** What was computed once more heals what the prefix cache has lost. */
  move(from: number, to: number): void {
    if (this.#slotOf[from] === NONE || this.#slotOf[to] !== NONE) return;
    this.#slotOf[to] = this.#slotOf[from];
    this.#slotOf[from] = NONE;
    this.#spare.delete(from);
    this.#spare.add(to);
  }

  /** Recounts, and throws internal_error for a slot that is lost, shared or needed by another number of requests. */
  check(running: readonly EngineRequest[]): void {
    const needed = new Int32Array(this.#needed.length);
    for (const { slots, held, numComputedTokens } of running) {
      for (let p = held.start; p < held.end; p++) needed[slots[p]]++;
      const isWhole = held.end === numComputedTokens && held.start <= Math.max(0, held.end - this.#window + 1);
      if (!isWhole) throw new EngineError('internal_error', 'windowed slots: a window is not held');
    }
    const taken = new Set<number>();
    this.#slotOf.forEach((slot, main) => {
      const isSpare = slot !== NONE && needed[main] === 0;
      if (needed[main] !== this.#needed[main] || isSpare !== this.#spare.has(main) || (needed[main] > 0 && slot < 0))
        throw new EngineError('internal_error', `windowed slots: wrong count for slot ${main}`);
      if (slot !== NONE && (taken.has(slot) || !this.pool.isTaken(slot)))
        throw new EngineError('internal_error', `windowed slot ${slot} is owned twice or free`);
      if (slot !== NONE) taken.add(slot);
    });
    if (taken.size + this.pool.free !== this.pool.size)
      throw new EngineError('internal_error', 'windowed slots: some are lost');
  }

  #need(main: number): void {
    this.#needed[main]++;
    this.#spare.delete(main);
  }

  #drop(main: number): void {
    if (--this.#needed[main] === 0) this.#spare.add(main);
  }

  #evict(n: number): void {
    const oldest = this.#spare.values();
    for (let i = 0; i < n; i++) {
      const { value, done } = oldest.next();
      if (done) return;
      this.#release(value);
    }
  }

  #release(main: number): void {
    const slot = this.#slotOf[main];
    if (slot === NONE) return;
    this.#slotOf[main] = NONE;
    this.#spare.delete(main);
    this.pool.release([slot]);
  }
}
