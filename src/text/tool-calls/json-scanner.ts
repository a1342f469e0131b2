/**
 * Finds the end of one JSON value in text that comes in pieces, looking at each character once.
 * Structure, numbers and literals are checked as RFC 8259 has them; inside a string anything goes up to its closing quote,
 * because what a model wrote is passed on as it is.
 */
type Mode = 'value' | 'firstElement' | 'firstKey' | 'key' | 'colon' | 'after' | 'number' | 'literal';

const quote = 0x22;
const backslash = 0x5c;
const isSpace = (c: number) => c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
const isDigit = (c: number) => c >= 0x30 && c <= 0x39;

export class JsonScanner {
  /** 'done' after the value's last character, 'bad' at the first that cannot be. A bare number is done at the next character. */
  state: 'open' | 'done' | 'bad' = 'open';
  #mode: Mode = 'value';
  #inString = false;
  #isEscaped = false; // the string's next character follows a backslash
  #isKey = false; // the string is a key
  #number: NumberState = 'minus';
  #literal = '';
  readonly #brackets: number[] = []; // character codes of the closing brackets due

  /** Reads on from `text[from]`. @returns the index of the first character that is not the value's. */
  scan(text: string, from: number): number {
    let i = from;
    while (i < text.length && this.state === 'open') {
      if (this.#inString) i = this.#string(text, i);
      else if (this.#step(text.charCodeAt(i))) i++;
    }
    return i;
  }

  #string(text: string, from: number): number {
    let i = from;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      i++;
    }
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === backslash) {
        this.#isEscaped = true;
        return i + 1;
      }
      if (c === quote) {
        this.#inString = false;
        if (this.#isKey) this.#mode = 'colon';
        else this.#endValue();
        return i + 1;
      }
    }
    return i;
  }

  /** @returns whether `c` was taken; if not, the value was bad or has ended. */
  #step(c: number): boolean {
    const mode = this.#mode;
    if (mode === 'number') return this.#digits(c);
    if (mode === 'literal') return this.#letter(c);
    if (isSpace(c)) return true;
    const closing = this.#brackets.at(-1);
    switch (mode) {
      case 'value':
        return this.#value(c);
      case 'firstElement':
        return c === closing ? this.#close() : this.#value(c);
      case 'firstKey':
        return c === closing ? this.#close() : this.#key(c);
      case 'key':
        return this.#key(c);
      case 'colon':
        if (c !== 0x3a) return this.#bad();
        this.#mode = 'value';
        return true;
      case 'after':
        if (c === closing) return this.#close();
        if (c !== 0x2c) return this.#bad();
        this.#mode = closing === 0x7d ? 'key' : 'value';
        return true;
    }
  }

  #key(c: number): boolean {
    if (c !== quote) return this.#bad();
    this.#isKey = true;
    this.#inString = true;
    return true;
  }

  #value(c: number): boolean {
    if (c === quote) {
      this.#isKey = false;
      this.#inString = true;
    } else if (c === 0x7b) this.#open(0x7d, 'firstKey');
    else if (c === 0x5b) this.#open(0x5d, 'firstElement');
    else if (c === 0x2d || isDigit(c)) {
      this.#mode = 'number';
      this.#number = c === 0x2d ? 'minus' : c === 0x30 ? 'zero' : 'integer';
    } else {
      const literal = ['true', 'false', 'null'].find((word) => word.charCodeAt(0) === c);
      if (literal === undefined) return this.#bad();
      this.#literal = literal.slice(1);
      this.#mode = 'literal';
    }
    return true;
  }

  #open(closing: number, mode: Mode): void {
    this.#brackets.push(closing);
    this.#mode = mode;
  }

  #close(): true {
    this.#brackets.pop();
    this.#endValue();
    return true;
  }

  #letter(c: number): boolean {
    if (c !== this.#literal.charCodeAt(0)) return this.#bad();
    this.#literal = this.#literal.slice(1);
    if (this.#literal === '') this.#endValue();
    return true;
  }

  #digits(c: number): boolean {
    const next = nextInNumber(this.#number, c);
    if (next !== null) {
      this.#number = next;
      return true;
    }
    if (!['zero', 'integer', 'fraction', 'exponent'].includes(this.#number)) return this.#bad();
    this.#endValue();
    return false;
  }

  #endValue(): void {
    this.#mode = 'after';
    if (this.#brackets.length === 0) this.state = 'done';
  }

  #bad(): false {
    this.state = 'bad';
    return false;
  }
}

type NumberState = 'minus' | 'zero' | 'integer' | 'point' | 'fraction' | 'e' | 'sign' | 'exponent';

function nextInNumber(state: NumberState, c: number): NumberState | null {
  if (isDigit(c)) {
    if (state === 'zero') return null;
    if (state === 'minus') return c === 0x30 ? 'zero' : 'integer';
    if (state === 'point') return 'fraction';
    return state === 'e' || state === 'sign' ? 'exponent' : state;
  }
  if (c === 0x2e) return state === 'zero' || state === 'integer' ? 'point' : null;
  if (c === 0x65 || c === 0x45) return ['zero', 'integer', 'fraction'].includes(state) ? 'e' : null;
  return (c === 0x2b || c === 0x2d) && state === 'e' ? 'sign' : null;
}
