/**
 * Free members of a pool, of one size. The oldest is taken first, in whatever order they came back: were it the last one
 * given, steps would permute a step's members, and each order needs bind groups of its own.
 */
export class FreeList<T extends { readonly id: number }> {
  /** Oldest last. */
  readonly #items: T[] = [];

  take(): T | undefined {
    return this.#items.pop();
  }

  /** That very item; false when it is not free. */
  takeThis(item: T): boolean {
    const at = this.#items.indexOf(item);
    if (at >= 0) this.#items.splice(at, 1);
    return at >= 0;
  }

  give(item: T): void {
    let at = this.#items.length;
    while (at > 0 && this.#items[at - 1].id < item.id) at--;
    this.#items.splice(at, 0, item);
  }
}
