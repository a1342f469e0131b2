/** Template text to the syntax tree of `@huggingface/jinja`. */
import { parse } from '@huggingface/jinja';
import { TemplateError } from './errors.ts';
import type { Node } from './nodes.ts';
import { cutSource } from './source.ts';
import { tokensOf, type LineToken } from './tokens.ts';

// The library's type declarations do not resolve in this kind of module.
const parseTokens = parse as (tokens: readonly LineToken[]) => { body: Node[] };

/** @throws TemplateError with the line */
export function parseTemplate(source: string): Node[] {
  const tokens = tokensOf(cutSource(source));
  let line = 1;
  for (const token of tokens) token.onRead = (read) => (line = read.line || line);
  try {
    return parseTokens(tokens).body;
  } catch (error) {
    // The parser reads beyond its last token where something is left open.
    const message = error instanceof TypeError ? 'a block or bracket is not closed' : (error as Error).message;
    throw new TemplateError(message, { line });
  } finally {
    for (const token of tokens) token.onRead = null;
  }
}
