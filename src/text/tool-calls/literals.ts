/** Values that are not JSON (Python's literals, Gemma's), read from a stream and written as JSON while they come in. */
import { escapeJson } from './arguments-writer.ts';
import { CallStream } from './call-stream.ts';
import type { Parsing } from './types.ts';

export interface Dialect {
  /** If a string begins at the cursor, reads it and sends its JSON. @returns whether one did, and ended well. */
  string(stream: CallStream, out: (json: string) => void): Parsing<'none' | 'read' | 'bad'>;
  /** Bare text up to a comma, bracket or the end → JSON; null where it is no value. */
  scalar(text: string): string | null;
  /** Bare text before a colon in a dictionary → the key; null where it may not be. */
  key(text: string): string | null;
  /** What ends bare text; in a key a colon does too. */
  readonly stops: string;
  /** Opening brackets → the closing one. */
  readonly brackets: Readonly<Record<string, string>>;
}

/** One value, nested as deep as it likes. @returns false when it is malformed or cut. */
export function* readLiteral(stream: CallStream, dialect: Dialect, out: (json: string) => void): Parsing<boolean> {
  const due: string[] = []; // closing brackets, innermost last
  for (;;) {
    if (due.at(-1) === '}' && !(yield* dictionaryKey(stream, dialect, out))) return false;
    const closing = dialect.brackets[yield* stream.space()];
    if (closing !== undefined) {
      stream.at++;
      out(closing === '}' ? '{' : '[');
      due.push(closing);
      if ((yield* stream.space()) !== closing) continue;
    } else if (!(yield* simple(stream, dialect, out))) return false;
    if (!(yield* closeBrackets(stream, due, out))) return false;
    if (due.length === 0) return true;
  }
}

/** After a value: the brackets that close, then a comma unless all are closed. */
function* closeBrackets(stream: CallStream, due: string[], out: (json: string) => void): Parsing<boolean> {
  while (due.length > 0) {
    let c = yield* stream.space();
    if (c === ',') {
      stream.at++;
      c = yield* stream.space();
      if (c !== due.at(-1)) {
        out(', ');
        return c !== '';
      }
    }
    if (c !== due.at(-1)) return false;
    stream.at++;
    due.pop();
    out(c === '}' ? '}' : ']');
  }
  return true;
}

function* simple(stream: CallStream, dialect: Dialect, out: (json: string) => void): Parsing<boolean> {
  const string = yield* dialect.string(stream, out);
  if (string !== 'none') return string === 'read';
  const json = dialect.scalar(yield* bare(stream, dialect.stops));
  if (json !== null) out(json);
  return json !== null;
}

function* dictionaryKey(stream: CallStream, dialect: Dialect, out: (json: string) => void): Parsing<boolean> {
  const string = yield* dialect.string(stream, out);
  if (string === 'bad') return false;
  if (string === 'none') {
    const key = dialect.key(yield* bare(stream, `${dialect.stops}:`));
    if (key === null) return false;
    out(`"${escapeJson(key)}"`);
  }
  if ((yield* stream.space()) !== ':') return false;
  stream.at++;
  out(': ');
  return true;
}

function* bare(stream: CallStream, stops: string): Parsing<string> {
  const pieces: string[] = [];
  while (stream.at < stream.chunk.length || (yield* stream.more())) {
    const from = stream.at;
    while (stream.at < stream.chunk.length && !stops.includes(stream.chunk.charAt(stream.at))) stream.at++;
    pieces.push(stream.chunk.slice(from, stream.at));
    if (stream.at < stream.chunk.length) break;
  }
  return pieces.join('').trim();
}

// ---- Python

const constants: Readonly<Record<string, string>> = {
  None: 'null',
  True: 'true',
  False: 'false',
  null: 'null',
  true: 'true',
  false: 'false',
};
const pythonNumber = /^([+-]?)\s*(\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)([eE][+-]?\d+)?$/;

function pythonScalar(text: string): string | null {
  if (Object.hasOwn(constants, text)) return constants[text] ?? null;
  const match = pythonNumber.exec(text);
  if (match === null) return null;
  const [, sign = '', digits = '', exponent = ''] = match;
  const [whole = '', fraction] = digits.replaceAll('_', '').split('.');
  const point = fraction === undefined ? '' : `.${fraction || '0'}`;
  return `${sign === '-' ? '-' : ''}${whole.replace(/^0+(?=\d)/, '') || '0'}${point}${exponent}`;
}

const simpleEscapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '0': '\0',
  '\n': '',
};
const codeLength: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function* pythonString(stream: CallStream, out: (json: string) => void): Parsing<'none' | 'read' | 'bad'> {
  const mark = yield* stream.space();
  if (mark !== '"' && mark !== "'") return 'none';
  stream.at++;
  out('"');
  for (;;) {
    if (!(yield* stream.more())) return 'bad';
    const from = stream.at;
    while (stream.at < stream.chunk.length && !isAt(stream, mark) && !isAt(stream, '\\')) stream.at++;
    if (stream.at > from) out(escapeJson(stream.chunk.slice(from, stream.at)));
    if (stream.at >= stream.chunk.length) continue;
    if (isAt(stream, mark)) break;
    stream.at++;
    out(escapeJson(yield* escaped(stream)));
  }
  stream.at++;
  out('"');
  return 'read';
}

const isAt = (stream: CallStream, c: string) => stream.chunk.charAt(stream.at) === c;

/** What stands for the characters after a backslash; an escape that Python does not know is itself. */
function* escaped(stream: CallStream): Parsing<string> {
  if (!(yield* stream.more())) return '\\';
  const c = stream.chunk.charAt(stream.at++);
  const length = codeLength[c];
  if (length === undefined) return simpleEscapes[c] ?? ('\\\'"/'.includes(c) ? c : `\\${c}`);
  let hex = '';
  while (hex.length < length && (yield* stream.more()) && /[0-9a-fA-F]/.test(stream.chunk.charAt(stream.at))) {
    hex += stream.chunk.charAt(stream.at++);
  }
  const code = parseInt(hex, 16);
  if (hex.length < length || code > 0x10ffff) return `\\${c}${hex}`;
  return String.fromCodePoint(code);
}

export const python: Dialect = {
  string: pythonString,
  scalar: pythonScalar,
  key: (text) => (pythonNumber.test(text) ? text : null),
  stops: ',()[]{}',
  brackets: { '[': ']', '(': ')', '{': '}' },
};

/** A whole text that is one JSON or Python literal → JSON text (JSON as it was written); null when it is neither. */
export function pythonToJson(text: string): string | null {
  try {
    JSON.parse(text);
    return text;
  } catch {
    // not JSON: read below
  }
  const stream = new CallStream([], { make: () => '', valid: /^/ });
  stream.feed(text);
  stream.ended = 'eos';
  const pieces: string[] = [];
  const result = readLiteral(stream, python, (json) => pieces.push(json)).next();
  return result.done === true && result.value && stream.at === text.length ? pieces.join('') : null;
}

// ---- Gemma

/** `text` between two `mark`s, no escapes; keys and other scalars bare. A bare word is a string. */
export function gemmaDialect(mark: string): Dialect {
  return {
    *string(stream, out) {
      if ((yield* stream.space()) !== mark.charAt(0)) return 'none';
      if (!(yield* stream.literal(mark))) return 'bad';
      out('"');
      const end = yield* stream.upTo([mark], (text) => out(escapeJson(text)));
      if (end === null) return 'bad';
      out('"');
      return 'read';
    },
    scalar: (text) => (text === '' ? null : (pythonScalar(text) ?? `"${escapeJson(text)}"`)),
    key: (text) => (text === '' ? null : text),
    stops: ',[]{}',
    brackets: { '[': ']', '{': '}' },
  };
}
