/**
 * How much a JSON body may hold, counted while it arrives: parsing and checking cost by the value, not by the byte, and an
 * empty list takes three bytes.
 */
import { EngineError } from '../../errors.ts';

/** Strings (keys too), lists and objects. */
const MOST_ITEMS = 2 ** 17;
/** Values in all; numbers, which token ids are, cost little. */
const MOST_VALUES = 2 ** 19;
/** Names of fields. Different ones cost V8 and zod a microsecond each, or more. */
const MOST_KEYS = 2 ** 15;
const DEEPEST = 512;

const [quote, backslash, comma, colon] = [...Buffer.from('"\\,:')];
const [openList, closeList, openObject, closeObject] = [...Buffer.from('[]{}')];

export class JsonCounter {
  #items = 0;
  #values = 1;
  #keys = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** The next bytes. @throws EngineError invalid_request as soon as there is too much */
  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#isInString) this.#inString(byte);
      else if (byte === quote) {
        this.#isInString = true;
        this.#items++;
      } else if (byte === comma) this.#values++;
      else if (byte === colon) this.#keys++;
      else if (byte === openList || byte === openObject) {
        this.#items++;
        this.#depth++;
      } else if (byte === closeList || byte === closeObject) this.#depth--;
      if (this.#depth > DEEPEST) throw tooMuch(`nests more than ${DEEPEST} deep`);
    }
    if (this.#items > MOST_ITEMS) throw tooMuch(`holds more than ${MOST_ITEMS} strings, lists and objects`);
    if (this.#keys > MOST_KEYS) throw tooMuch(`holds more than ${MOST_KEYS} keys`);
    if (this.#values > MOST_VALUES) throw tooMuch(`holds more than ${MOST_VALUES} values`);
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#isInString = false;
  }
}

function tooMuch(what: string): EngineError {
  return new EngineError('invalid_request', `The body ${what}. Send it in parts.`);
}
