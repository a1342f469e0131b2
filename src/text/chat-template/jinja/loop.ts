import { TemplateError } from './errors.ts';
import { Callable, equal, Tuple, Undefined, type HasAttributes, type Value } from './values.ts';

/** The variable `loop` of a for block; one for all its rounds. */
export class Loop extends Callable implements HasAttributes {
  readonly typeName = 'LoopContext';
  readonly #items: readonly Value[];
  readonly #depth: number;
  #lastSeen: Tuple | null = null;
  /** The round, counted from 0. */
  index = 0;

  /**
   * @param depth calls of recursive loops around this one
   * @param below what a recursive loop prints for other items; null for one that is not
   */
  constructor(items: readonly Value[], depth: number, below: ((items: Value) => Value) | null) {
    super('loop', (args, keywords) => {
      if (below === null) throw new TemplateError("only a loop with 'recursive' can be called");
      if (args.length !== 1 || keywords.size > 0) throw new TemplateError('a recursive loop takes one argument');
      return below(args[0]);
    });
    this.#items = items;
    this.#depth = depth;
  }

  attribute(name: string): Value | undefined {
    const [index, length] = [this.index, this.#items.length];
    switch (name) {
      case 'index':
        return index + 1;
      case 'index0':
        return index;
      case 'revindex':
        return length - index;
      case 'revindex0':
        return length - index - 1;
      case 'first':
        return index === 0;
      case 'last':
        return index === length - 1;
      case 'length':
        return length;
      case 'depth':
        return this.#depth + 1;
      case 'depth0':
        return this.#depth;
      case 'previtem':
        return index > 0 ? this.#items[index - 1] : new Undefined('there is no previous item');
      case 'nextitem':
        return index + 1 < length ? this.#items[index + 1] : new Undefined('there is no next item');
      case 'cycle':
        return new Callable(name, (args) => {
          if (args.length === 0) throw new TemplateError('no items for cycling given');
          return args[this.index % args.length];
        });
      case 'changed':
        return new Callable(name, (args) => {
          const seen = new Tuple(args);
          const isNew = this.#lastSeen === null || !equal(this.#lastSeen, seen);
          this.#lastSeen = seen;
          return isNew;
        });
      default:
        return undefined;
    }
  }
}
