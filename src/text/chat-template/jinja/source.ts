/**
 * The text of a template cut into text and tags, by the rules of jinja2's lexer with trim_blocks and lstrip_blocks:
 * line ends become \n, white space around tags goes, comments go, raw blocks are text.
 */
import { TemplateError } from './errors.ts';
import { readStringLiteral, writeStringLiteral } from './string-literal.ts';
import { stripEnd, whiteClass } from './white-space.ts';

/** `code` is the inside of the tag, its string literals in the form that `@huggingface/jinja` reads. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'statement' | 'expression'; readonly code: string; readonly line: number };

const tagStart = /\{[%{#]/g;
const rawStart = new RegExp(`\\{%[-+]?[${whiteClass}]*raw[${whiteClass}]*(?:-%\\}[${whiteClass}]*|%\\})`, 'y');
const rawEnd = new RegExp(
  `\\{%([-+]?)[${whiteClass}]*endraw[${whiteClass}]*(?:\\+%\\}|-%\\}[${whiteClass}]*|%\\}\\n?)`,
  'g',
);
const commentEnd = new RegExp(`\\+#\\}|-#\\}[${whiteClass}]*|#\\}\\n?`, 'g');
const statementEnd = new RegExp(`\\+%\\}|-%\\}[${whiteClass}]*|%\\}\\n?`, 'y');
const expressionEnd = new RegExp(`-\\}\\}[${whiteClass}]*|\\}\\}`, 'y');
const word = /[A-Za-z_]\w*/y;
const numberLiteral = /\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][-+]?\d[\d_]*)?/y;
const stringLiteral = /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y;

export function cutSource(original: string): Piece[] {
  const source = original.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  const pieces: Piece[] = [];
  let position = 0;
  /** Whether the text at `position` starts a line; a tag that ate its line end counts. */
  let startsLine = true;
  const pushText = (text: string, sign: string, isExpression: boolean) => {
    const kept = sign === '-' ? stripEnd(text) : sign === '+' || isExpression ? text : stripIndent(text, startsLine);
    if (kept) pieces.push({ kind: 'text', text: kept });
  };
  const goOn = (end: number) => {
    startsLine = source[end - 1] === '\n';
    position = end;
  };
  while (position < source.length) {
    tagStart.lastIndex = position;
    const start = tagStart.exec(source)?.index ?? source.length;
    const sign = source[start + 2] ?? '';
    pushText(source.slice(position, start), start < source.length ? sign : '+', source[start + 1] === '{');
    if (start === source.length) break;
    const line = lineAt(source, start);
    const raw = matchAt(rawStart, source, start);
    if (raw !== null) {
      goOn(start + raw.length);
      const end = find(rawEnd, source, position, line, 'a raw block is not closed');
      pushText(source.slice(position, end.index), end[1], false);
      goOn(end.index + end[0].length);
    } else if (source[start + 1] === '#') {
      const end = find(commentEnd, source, start + 2, line, 'a comment is not closed');
      goOn(end.index + end[0].length);
    } else {
      const kind = source[start + 1] === '%' ? 'statement' : 'expression';
      const tag = readTag(source, start + (sign === '-' || sign === '+' ? 3 : 2), kind, line);
      pieces.push({ kind, code: tag.code, line });
      goOn(tag.end);
    }
  }
  return pieces;
}

/** The inside of a tag: its end does not count within strings and brackets. */
function readTag(source: string, start: number, kind: 'statement' | 'expression', line: number) {
  const endPattern = kind === 'statement' ? statementEnd : expressionEnd;
  let code = '';
  let depth = 0;
  for (let at = start; at < source.length;) {
    const end = depth === 0 ? matchAt(endPattern, source, at) : null;
    if (end !== null) return { code, end: at + end.length };
    const literal = matchAt(stringLiteral, source, at);
    if (literal !== null) {
      code += writeStringLiteral(readStringLiteral(literal));
      at += literal.length;
      continue;
    }
    const plain = matchAt(word, source, at) ?? matchAt(numberLiteral, source, at);
    if (plain !== null) {
      code += /^\d/.test(plain) ? writeNumber(plain) : plain;
      at += plain.length;
      continue;
    }
    const char = source[at++];
    if ('([{'.includes(char)) depth++;
    if (')]}'.includes(char)) depth--;
    code += char;
  }
  throw new TemplateError('a tag is not closed', { line });
}

/** Digits without exponent and underscores, which is all that the library reads. */
function writeNumber(text: string): string {
  const digits = text.replaceAll('_', '');
  if (!/e/i.test(digits)) return digits;
  const value = Number(digits);
  return Number.isInteger(value) ? `${BigInt(value)}.0` : value.toFixed(100);
}

/** lstrip_blocks: the indentation of a tag that is first in its line. */
function stripIndent(text: string, startsLine: boolean): string {
  const lineStart = text.lastIndexOf('\n') + 1;
  return (lineStart > 0 || startsLine) && stripEnd(text.slice(lineStart)) === '' ? text.slice(0, lineStart) : text;
}

function matchAt(pattern: RegExp, source: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? null;
}

function find(pattern: RegExp, source: string, from: number, line: number, otherwise: string): RegExpExecArray {
  pattern.lastIndex = from;
  const found = pattern.exec(source);
  if (found === null) throw new TemplateError(otherwise, { line });
  return found;
}

function lineAt(source: string, position: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at >= 0 && at < position; at = source.indexOf('\n', at + 1)) line++;
  return line;
}
