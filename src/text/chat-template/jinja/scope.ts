import { Undefined, type Value } from './values.ts';

/** The names of a block; those of the blocks around it are seen through it. */
export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #parent: Scope | null;

  constructor(parent: Scope | null) {
    this.#parent = parent;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  get(name: string): Value {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    if (this.#parent !== null) return this.#parent.get(name);
    return new Undefined(`'${name}' is undefined`);
  }
}
