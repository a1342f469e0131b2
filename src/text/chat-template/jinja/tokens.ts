/**
 * The library's tokens, and in them what its parser lacks written in forms that it has:
 *
 *     x is not divisibleby(3)     →  x | "is not divisibleby"(3)       a test is a filter of that name
 *     {% with a = 1 %}            →  {% call "with block"(a = 1) %}
 *     {% for x in 1, 2 if x %}    →  {% for x in (1, 2) if x %}
 *     {% for x in l recursive %}  →  {% for x in (l) | "recursive loop" %}
 *     () and (1,)                 →  "()" and (1, "")
 *     a < b < c and a + b ~ c     →  the second operator is marked as chained (its left side is not what it seems)
 */
import { tokenize } from '@huggingface/jinja';
import { TemplateError } from './errors.ts';
import type { Piece } from './source.ts';

export const withBlock = 'with block';
export const recursiveLoop = 'recursive loop';
export const emptyTuple = '()';
export const afterTrailingComma = '';

/** The library's names for what tokens are, as far as they matter here. */
type TokenType =
  | 'Text'
  | 'Comment'
  | 'Identifier'
  | 'StringLiteral'
  | 'NumericLiteral'
  | 'ComparisonBinaryOperator'
  | 'AdditiveBinaryOperator'
  | 'Equals'
  | 'Comma'
  | 'Colon'
  | 'Dot'
  | 'Pipe'
  | 'OpenParen'
  | 'CloseParen'
  | 'OpenSquareBracket'
  | 'CloseSquareBracket'
  | 'OpenCurlyBracket'
  | 'CloseCurlyBracket';

interface LibraryToken {
  readonly value: string;
  readonly type: TokenType;
}

// The library's type declarations do not resolve in this kind of module.
const readTokens = tokenize as (source: string) => LibraryToken[];

/** A token that knows its line; `onRead` hears of every token that the parser looks at. */
export class LineToken {
  readonly value: string;
  readonly line: number;
  /** A comparison behind another (`a < b < c`), or a `~` behind a sum (`a + b ~ c` is `a + (b ~ c)`). */
  chained = false;
  onRead: ((token: LineToken) => void) | null = null;
  readonly #type: TokenType;

  constructor(value: string, type: TokenType, line: number) {
    this.value = value;
    this.#type = type;
    this.line = line;
  }

  get type(): TokenType {
    this.onRead?.(this);
    return this.#type;
  }
}

/** A comment with the line's number stands before each tag: the parser's nodes have no place for it. */
export function tokensOf(pieces: readonly Piece[]): LineToken[] {
  return pieces.flatMap((piece) => {
    if (piece.kind === 'text') return [new LineToken(piece.text, 'Text', 0)];
    return [new LineToken(String(piece.line), 'Comment', piece.line), ...tagTokens(piece.kind, piece.code, piece.line)];
  });
}

function tagTokens(kind: 'statement' | 'expression', code: string, line: number): LineToken[] {
  const [open, close] = kind === 'statement' ? ['{%', '%}'] : ['{{', '}}'];
  let tokens: LineToken[];
  try {
    // The generation tag opens a scope and prints its body, as a with tag does; the library drops it.
    const kept = code.replace(/^(\s*(?:end)?)generation\s*$/, '$1with');
    const read = readTokens(`${open} ${kept} ${close}`);
    tokens = read.map(({ value, type }) => new LineToken(value, type, line));
  } catch (error) {
    throw new TemplateError((error as Error).message, { line });
  }
  return markChains(mendGroups(testsAsFilters(kind === 'statement' ? mendLoop(blocksAsCalls(tokens)) : tokens)));
}

function blocksAsCalls(tokens: LineToken[]): LineToken[] {
  const [open, keyword, ...rest] = tokens;
  const make = (value: string, type: TokenType = 'Identifier') => new LineToken(value, type, open.line);
  if (keyword.value === 'endwith') return [open, make('endcall'), ...rest];
  if (keyword.value !== 'with') return tokens;
  const close = rest.pop() as LineToken;
  return [open, make('call'), make(withBlock), make('(', 'OpenParen'), ...rest, make(')', 'CloseParen'), close];
}

/** The items of a loop stand between `in` and the `if`, `recursive` or end of the tag. */
function mendLoop(tokens: LineToken[]): LineToken[] {
  if (tokens[1].value !== 'for') return tokens;
  const atTop = outsideBrackets(tokens);
  const isWord = (i: number, word: string) => tokens[i].type === 'Identifier' && tokens[i].value === word;
  const start = atTop.find((i) => isWord(i, 'in')) ?? tokens.length;
  const last = tokens.length - 2;
  const isRecursive = last - 1 > start && isWord(last, 'recursive') && endsOperand(tokens[last - 1]);
  const end = isRecursive ? last : last + 1;
  const stop = atTop.find((i) => i > start && i < end && isWord(i, 'if') && tokens[i - 1].type !== 'Dot') ?? end;
  const isBare = atTop.some((i) => i > start && i < stop && tokens[i].type === 'Comma');
  if (!isRecursive && !isBare) return tokens;
  const make = (value: string, type: TokenType) => new LineToken(value, type, tokens[0].line);
  const items = [make('(', 'OpenParen'), ...tokens.slice(start + 1, stop), make(')', 'CloseParen')];
  if (isRecursive) items.push(make('|', 'Pipe'), make(recursiveLoop, 'Identifier'));
  return [...tokens.slice(0, start + 1), ...items, ...tokens.slice(stop, end), ...tokens.slice(last + 1)];
}

/** The places of the tokens that no bracket is around. */
function outsideBrackets(tokens: LineToken[]): number[] {
  let depth = 0;
  return tokens.flatMap((token, i) => {
    if (isClosing(token)) depth--;
    const isOutside = depth === 0;
    if (isOpening(token)) depth++;
    return isOutside ? [i] : [];
  });
}

/** Whether a word behind it cannot be an operand. */
function endsOperand(token: LineToken): boolean {
  const { type, value } = token;
  if (type === 'Identifier') return !/^(in|if|and|or|not|is|else)$/.test(value);
  return type === 'StringLiteral' || type === 'NumericLiteral' || isClosing(token);
}

const startsArgument: readonly TokenType[] = [
  'Identifier',
  'StringLiteral',
  'NumericLiteral',
  'OpenSquareBracket',
  'OpenCurlyBracket',
];

function testsAsFilters(tokens: LineToken[]): LineToken[] {
  const result: LineToken[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const { value, type, line } = tokens[i];
    if (type !== 'Identifier' || value !== 'is' || tokens[i - 1].type === 'Dot') {
      result.push(tokens[i]);
      continue;
    }
    const negated = tokens[i + 1].value === 'not';
    i += negated ? 2 : 1;
    result.push(new LineToken('|', 'Pipe', line));
    result.push(new LineToken(`is ${negated ? 'not ' : ''}${tokens[i].value}`, 'Identifier', line));
    const next = tokens[i + 1];
    if (next.type === 'Identifier' && next.value === 'is') {
      throw new TemplateError('two tests cannot follow each other', { line });
    }
    if (startsArgument.includes(next.type) && !(next.type === 'Identifier' && /^(else|or|and|if)$/.test(next.value))) {
      const end = operandEnd(tokens, i + 1);
      const argument = testsAsFilters(tokens.slice(i + 1, end));
      result.push(new LineToken('(', 'OpenParen', line), ...argument, new LineToken(')', 'CloseParen', line));
      i = end - 1;
    }
  }
  return result;
}

/** Where the operand at `start` with its `.name`, `[…]` and `(…)` ends. */
function operandEnd(tokens: LineToken[], start: number): number {
  let end = bracketEnd(tokens, start);
  for (;;) {
    const { type } = tokens[end];
    if (type === 'Dot') end += 2;
    else if (type === 'OpenParen' || type === 'OpenSquareBracket') end = bracketEnd(tokens, end);
    else return end;
  }
}

function bracketEnd(tokens: LineToken[], start: number): number {
  let depth = 0;
  for (let i = start; i < tokens.length; i++) {
    if (isOpening(tokens[i])) depth++;
    if (isClosing(tokens[i])) depth--;
    if (depth === 0) return i + 1;
  }
  return tokens.length - 1;
}

const isOpening = ({ type }: LineToken) =>
  type === 'OpenParen' || type === 'OpenSquareBracket' || type === 'OpenCurlyBracket';
const isClosing = ({ type }: LineToken) =>
  type === 'CloseParen' || type === 'CloseSquareBracket' || type === 'CloseCurlyBracket';

const beforeOperand = /^(in|and|or|not|if|elif|else|set|for)$/;

/** `()` and a comma before `)` where the parentheses are no call. */
function mendGroups(tokens: LineToken[]): LineToken[] {
  const result: LineToken[] = [];
  const isGroup: boolean[] = [];
  for (const token of tokens) {
    const last = result.at(-1);
    if (token.type === 'CloseParen' && isGroup.pop()) {
      if (last?.type === 'Comma') result.push(new LineToken(afterTrailingComma, 'Identifier', token.line));
      if (last?.type === 'OpenParen') {
        result[result.length - 1] = new LineToken(emptyTuple, 'Identifier', token.line);
        continue;
      }
    }
    if (token.type === 'OpenParen') {
      const afterName = last?.type === 'Identifier' && !beforeOperand.test(last.value);
      isGroup.push(!afterName && last?.type !== 'CloseParen' && last?.type !== 'CloseSquareBracket');
    }
    result.push(token);
  }
  return result;
}

const isKeyword = ({ type, value }: LineToken) => type === 'Identifier' && /^(and|or|if|else)$/.test(value);

function markChains(tokens: LineToken[]): LineToken[] {
  // For each bracket around: whether its expression so far has a comparison, and a sum.
  const compared: boolean[] = [false];
  const added: boolean[] = [false];
  let isLoopIn = tokens[1]?.value === 'for';
  for (const token of tokens) {
    const { type, value } = token;
    const top = compared.length - 1;
    if (isOpening(token)) {
      compared.push(false);
      added.push(false);
    } else if (isClosing(token)) {
      compared.pop();
      added.pop();
    } else if (type === 'AdditiveBinaryOperator') {
      if (value === '~') token.chained = added[top];
      else added[top] = true;
    } else if (type === 'ComparisonBinaryOperator' || (type === 'Identifier' && value === 'in')) {
      if (isLoopIn && value === 'in') isLoopIn = false;
      else {
        token.chained = compared[top];
        compared[top] = true;
      }
      added[top] = false;
    } else if (type === 'Comma' || type === 'Colon' || type === 'Equals' || isKeyword(token)) {
      compared[top] = false;
      added[top] = false;
    }
  }
  return tokens;
}
