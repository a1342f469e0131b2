/** Values as text: Python's `str()` and `repr()`, and `json.dumps` as transformers' `tojson` calls it. */
import { TemplateError } from './errors.ts';
import { Callable, Float, Markup, plain, Tuple, typeName, Undefined, View, type Value } from './values.ts';

export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  return value instanceof Undefined ? '' : repr(value);
}

export function repr(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'string') return textRepr(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number' || typeof value === 'bigint') return integerText(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Markup) return `Markup(${repr(value.text)})`;
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (value instanceof Tuple) return `(${value.items.map(repr).join(', ')}${value.items.length === 1 ? ',' : ''})`;
  if (value instanceof View) {
    if (value.kind === 'range') return `range(${value.bounds.join(', ')})`;
    return `${value.kind}([${value.items.map(repr).join(', ')}])`;
  }
  if (value instanceof Map) return `{${Array.from(value, ([k, v]) => `${repr(k)}: ${repr(v)}`).join(', ')}}`;
  if (value instanceof Callable) return `<function ${value.name}>`;
  return `<${typeName(value)} object>`;
}

const htmlNames: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', "'": '#39', '"': '#34' };

/** The text of Markup, other text with HTML's characters escaped. */
export function escapeHtml(value: Value): string {
  return value instanceof Markup ? value.text : str(value).replace(/[&<>'"]/g, (char) => `&${htmlNames[char]};`);
}

export function integerText(value: number | bigint): string {
  return Math.abs(Number(value)) < 1e21 ? String(value) : String(BigInt(value));
}

/** The shortest digits that read back, with Python's choice of when to write an exponent. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [digits, exponentText] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain =
    exponent < 0 ? value.toFixed(Math.max(0, digits.replace(/[-.]/g, '').length - 1 - exponent)) : String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}

// What Python's str.isprintable refuses, and the backslash.
const escaped = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const named: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function textRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(escaped, (char) => named[char] ?? escapeCode(char));
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote;
}

function escapeCode(char: string): string {
  const code = char.codePointAt(0) as number;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}

interface JsonOptions {
  readonly ensureAscii: boolean;
  /** What one level is indented by; null writes one line. */
  readonly indent: string | null;
  readonly separators: readonly [item: string, key: string];
  readonly sortKeys: boolean;
}

export function toJson(given: Value, options: JsonOptions, margin = '\n'): string {
  const value = plain(given);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return jsonText(value, options.ensureAscii);
  if (typeof value === 'number' || typeof value === 'bigint') return integerText(value);
  if (value instanceof Float) {
    return Number.isFinite(value.value) ? floatText(value.value) : jsonNonFinite(value.value);
  }
  const inner = options.indent === null ? '' : margin + options.indent;
  const outer = options.indent === null ? '' : margin;
  const list = (open: string, parts: string[], close: string) =>
    parts.length === 0 ? open + close : open + inner + parts.join(options.separators[0] + inner) + outer + close;
  if (Array.isArray(value) || value instanceof Tuple) {
    const items = Array.isArray(value) ? value : value.items;
    return list(
      '[',
      items.map((item) => toJson(item, options, inner)),
      ']',
    );
  }
  if (value instanceof Map) {
    const entries = Array.from(value, ([key, item]): [string, Value] => [jsonKey(key), item]);
    if (options.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    const write = ([key, item]: [string, Value]) =>
      jsonText(key, options.ensureAscii) + options.separators[1] + toJson(item, options, inner);
    return list('{', entries.map(write), '}');
  }
  throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
}

function jsonNonFinite(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

function jsonKey(key: Value): string {
  if (typeof key === 'string') return key;
  if (key === null || typeof key === 'boolean') return String(key);
  if (typeof key === 'number' || key instanceof Float) return repr(key);
  throw new TemplateError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonText(text: string, ensureAscii: boolean): string {
  const json = JSON.stringify(text);
  if (!ensureAscii) return json;
  return json.replace(/[\x7f-\uffff]/g, (char) =>
    char === '\x7f' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
