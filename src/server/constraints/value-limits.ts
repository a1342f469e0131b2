/** How much a request may ask its answer to be, counted before anything is made of it. */
import { EngineError } from '../../errors.ts';

/** Values in schemas and lists, objects and lists themselves included. */
export const mostValues = 100_000;
/** Characters of all keys and strings together. */
export const mostCharacters = 2_000_000;

/** @throws EngineError invalid_value, naming the field, as soon as there is too much; also for numbers that are none in JSON */
export class ValueCounter {
  #values = 0;
  #characters = 0;

  add(param: string, value: unknown): void {
    const fail = (what: string): never => {
      throw new EngineError('invalid_value', `${param}: ${what}`, { param });
    };
    const pending: unknown[] = [value];
    while (pending.length > 0) {
      const next = pending.pop();
      if (++this.#values > mostValues) fail(`Schemas and lists have more than ${mostValues} values.`);
      if (typeof next === 'string') this.#characters += next.length;
      else if (typeof next === 'number' && !Number.isFinite(next)) fail('A number is larger than a double can hold.');
      else if (Array.isArray(next)) {
        if (this.#values + pending.length + next.length > mostValues) {
          fail(`Schemas and lists have more than ${mostValues} values.`);
        }
        for (const item of next as unknown[]) pending.push(item);
      } else if (typeof next === 'object' && next !== null) {
        for (const [key, member] of Object.entries(next)) {
          this.#characters += key.length;
          pending.push(member);
        }
      }
      if (this.#characters > mostCharacters) fail(`Schemas and grammars have more than ${mostCharacters} characters.`);
    }
  }
}
