/**
 * Binary min-heap by time of last use, with lazy deletion: an entry whose item was used or became invalid since it was
 * pushed is recognised by that and skipped when it comes up; `push` now and then sweeps such entries out.
 */
interface Entry<T> {
  readonly item: T;
  readonly time: number;
}

export class LruHeap<T> {
  readonly #timeOf: (item: T) => number;
  readonly #valid: (item: T) => boolean;
  #entries: Entry<T>[] = [];
  #sweepAt = 64;

  constructor(timeOf: (item: T) => number, valid: (item: T) => boolean) {
    this.#timeOf = timeOf;
    this.#valid = valid;
  }

  /** O(log n) amortized. The same item may be in the heap several times; only its newest entry counts. */
  push(item: T): void {
    if (this.#entries.length >= this.#sweepAt) this.#sweep();
    this.#siftUp({ item, time: this.#timeOf(item) });
  }

  /** Removes the least recently used valid item; undefined when there is none. */
  pop(): T | undefined {
    for (let entry = this.#popEntry(); entry; entry = this.#popEntry()) {
      if (this.#isCurrent(entry)) return entry.item;
    }
    return undefined;
  }

  #isCurrent(entry: Entry<T>): boolean {
    return entry.time === this.#timeOf(entry.item) && this.#valid(entry.item);
  }

  #sweep(): void {
    const current = this.#entries.filter((entry) => this.#isCurrent(entry));
    this.#entries = [];
    for (const entry of current) this.#siftUp(entry);
    this.#sweepAt = 64 + 2 * current.length;
  }

  #siftUp(entry: Entry<T>): void {
    const heap = this.#entries;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent].time <= entry.time) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
  }

  #popEntry(): Entry<T> | undefined {
    const heap = this.#entries;
    const top = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return last;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].time < heap[child].time) child++;
      if (heap[child].time >= last.time) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
