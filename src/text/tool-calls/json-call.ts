/** Calls written as JSON: `{"name": "f", "arguments": {…}}`, alone, in a row or in a list. Arguments go out as raw slices. */
import type { CallStream } from './call-stream.ts';
import { JsonScanner } from './json-scanner.ts';
import type { Parsing } from './types.ts';

const argumentKeys = ['arguments', 'parameters'];
/** A JSON object without a tag around it is a call only if it has no other keys than these, so that answers in JSON stay text. */
const bareKeys = ['name', 'arguments', 'parameters', 'id', 'type'].map((key) => `"${key}"`);

interface JsonCallOptions {
  /** No tag says that this is a call: its keys, and inside prose its name, must. */
  readonly bare?: boolean;
  /** The list's `[` was read as the opening tag. */
  readonly isListOpen?: boolean;
  /** The family writes a call's id behind its arguments: they wait for it. */
  readonly idFollows?: boolean;
}

/** One call, several in a row, or a list of them. @returns false where the text is not, or no longer, a call. */
export function* jsonCalls(stream: CallStream, options: JsonCallOptions = {}): Parsing<boolean> {
  let isList = options.isListOpen === true;
  if (!isList && (yield* stream.space()) === '[') {
    isList = true;
    stream.at++;
  }
  const before = stream.callCount;
  for (;;) {
    yield* stream.space();
    if (!(yield* stream.literal('{'))) return false;
    const isWhole = yield* jsonCall(stream, options);
    stream.settle();
    if (!isWhole) return false;
    stream.claim();
    const next = yield* stream.space();
    if (isList && next === ']') {
      stream.at++;
      stream.claim();
      return true;
    }
    if (next === '' && stream.callCount > before) return true;
    if (isList && next === ',') stream.at++;
    else if (isList || next !== '{') return !isList;
  }
}

/** The rest of a call whose `{` was read. */
export function* jsonCall(stream: CallStream, options: JsonCallOptions = {}): Parsing<boolean> {
  let name: string | null = null;
  let id: string | null = null;
  let early: string | null = null; // arguments that came before the name
  let started = false;
  const begin = (call: string): void => stream.start(call, id, options.idFollows === true && id === null);
  for (let next = yield* stream.space(); next !== '}';) {
    const key: string | null = yield* memberKey(stream, options);
    if (key === null) return false;
    if (key === 'name' && name === null) {
      name = yield* jsonString(stream);
      if (name === null || name === '' || !accepts(stream, name, options)) return false;
    } else if (key === 'id' && stream.chunk.charAt(stream.at) === '"') {
      id = yield* jsonString(stream);
      if (started) stream.settle(id);
    } else if (argumentKeys.includes(key) && !started && early === null) {
      const pieces: string[] = [];
      const call: string | null = name;
      const ok: boolean = yield* jsonArguments(stream, call === null ? pieces : () => begin(call));
      if (!ok) return false;
      started = call !== null;
      if (!started) early = pieces.join('');
    } else if (!(yield* scanJson(stream, new JsonScanner(), () => undefined))) return false;
    next = yield* stream.space();
    if (next === ',') {
      stream.at++;
      next = yield* stream.space();
    } else if (next !== '}') return started && next === '';
  }
  stream.at++;
  if (started) return true;
  if (name === null || (early === null && options.bare === true && !stream.knows(name))) return false;
  stream.start(name, id);
  stream.arguments(early ?? '{}');
  return true;
}

const accepts = (stream: CallStream, name: string, options: JsonCallOptions) =>
  options.bare !== true || !stream.hasText || stream.knows(name);

/** `"key":` and the white space around; null when it is not there, or not one that a bare call may have. */
function* memberKey(stream: CallStream, options: JsonCallOptions): Parsing<string | null> {
  const text = options.bare === true ? yield* stream.oneOf(bareKeys) : yield* jsonText(stream, '"');
  const key = parseString(text);
  if (key === null || (yield* stream.space()) !== ':') return null;
  stream.at++;
  yield* stream.space();
  return key;
}

function* jsonString(stream: CallStream): Parsing<string | null> {
  return parseString(yield* jsonText(stream, '"'));
}

function parseString(text: string | null): string | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as string;
  } catch {
    return null; // a bad escape or a control character
  }
}

/** One JSON value that begins with `first`, as text. It stays held. */
function* jsonText(stream: CallStream, first: string): Parsing<string | null> {
  const pieces: string[] = [];
  if (!(yield* stream.more()) || stream.chunk.charAt(stream.at) !== first) return null;
  const ok = yield* scanJson(stream, new JsonScanner(), (slice) => pieces.push(slice));
  return ok ? pieces.join('') : null;
}

/**
 * A call's arguments: an object, the same in a JSON string (Granite 4), or null for none.
 * @param start begins the call, once the value surely is an object; an array instead collects the text and starts nothing.
 */
export function* jsonArguments(stream: CallStream, start: (() => void) | string[]): Parsing<boolean> {
  const collect = typeof start === 'function' ? null : start;
  const sink = (text: string) => void (collect === null ? stream.arguments(text) : collect.push(text));
  const begin = typeof start === 'function' ? start : () => undefined;

  const first = yield* stream.space();
  if (first === '"') return yield* encodedArguments(stream, begin, sink);
  const scanner = new JsonScanner();
  if (first === 'n') {
    if (!(yield* scanJson(stream, scanner, () => undefined))) return false;
    begin();
    sink('{}');
    return true;
  }
  if (first !== '{') return false;
  let opening = '{';
  scanner.scan('{', 0);
  stream.at++;
  for (;;) {
    if (!(yield* stream.more())) return false;
    const c = stream.chunk.charAt(stream.at);
    if (c === '"' || c === '}') break;
    if (c.trim() !== '') return false;
    opening += c;
    stream.at++;
  }
  begin();
  sink(opening);
  return yield* scanJson(stream, scanner, sink);
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function* encodedArguments(stream: CallStream, begin: () => void, sink: (text: string) => void): Parsing<boolean> {
  stream.at++;
  let started = false;
  const put = (text: string): boolean => {
    if (!started && text.trimStart() !== '') {
      if (!text.trimStart().startsWith('{')) return false;
      started = true;
      begin();
    }
    if (started && text !== '') sink(text);
    return true;
  };
  for (;;) {
    if (!(yield* stream.more())) return false;
    const from = stream.at;
    // Up to the `{` a character at a time: where this turns out to be no object must not depend on the chunks.
    const limit = started ? stream.chunk.length : from + 1;
    while (stream.at < limit && !'"\\'.includes(stream.chunk.charAt(stream.at))) stream.at++;
    if (!put(stream.chunk.slice(from, stream.at))) return false;
    if (stream.at >= limit) continue;
    if (stream.chunk.charAt(stream.at++) === '"') break;
    if (!(yield* stream.more())) return false;
    const c = stream.chunk.charAt(stream.at++);
    if (!put(c === 'u' ? yield* codeUnit(stream) : (escapes[c] ?? c))) return false;
  }
  if (!started) {
    begin();
    sink('{}');
  }
  return true;
}

function* codeUnit(stream: CallStream): Parsing<string> {
  let hex = '';
  while (hex.length < 4 && (yield* stream.more()) && /[0-9a-fA-F]/.test(stream.chunk.charAt(stream.at))) {
    hex += stream.chunk.charAt(stream.at++);
  }
  return hex.length === 4 ? String.fromCharCode(parseInt(hex, 16)) : hex;
}

/** Runs `scanner` to the end of its value; each slice goes to `sink`. @returns false if the value is bad or cut. */
function* scanJson(stream: CallStream, scanner: JsonScanner, sink: (slice: string) => void): Parsing<boolean> {
  while (scanner.state === 'open') {
    if (!(yield* stream.more())) return false;
    const from = stream.at;
    stream.at = scanner.scan(stream.chunk, from);
    if (stream.at > from) sink(stream.chunk.slice(from, stream.at));
  }
  return scanner.state === 'done';
}

/**
 * Passes what turned out to be no call on as content, up to the end of the JSON value it began, so that an object inside it
 * is not taken for a call.
 */
export function* jsonAsText(stream: CallStream): Parsing<void> {
  const held = stream.claim();
  const scanner = new JsonScanner();
  scanner.scan(held, Math.max(0, held.search(/[[{]/)));
  stream.content(held);
  yield* scanJson(stream, scanner, () => stream.content(stream.claim()));
}
