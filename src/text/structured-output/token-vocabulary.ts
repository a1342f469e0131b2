/** The tokens' bytes as the engine's grammars need them. */
import type { Detokenizer } from '../tokenizer/tokenizer.ts';
import type { TokenVocabulary } from './types.ts';

/**
 * Special tokens have no bytes, so that none can stand inside a constrained text; except those whose text is in `markup`
 * (a tool call's tags), which may be written either as the token or letter by letter.
 */
export function tokenVocabulary(tokenizer: Detokenizer, markup: string): TokenVocabulary {
  const decoder = new TextDecoder();
  const tokens = Array.from({ length: tokenizer.vocabSize }, (_, id) => {
    const bytes = tokenizer.tokenBytes(id);
    return tokenizer.isSpecial(id) && !markup.includes(decoder.decode(bytes)) ? new Uint8Array() : bytes;
  });
  const ends = new Uint32Array(tokens.length);
  const bytes = new Uint8Array(tokens.reduce((sum, token) => sum + token.length, 0));
  let end = 0;
  tokens.forEach((token, id) => {
    bytes.set(token, end);
    end += token.length;
    ends[id] = end;
  });
  return { bytes, ends };
}
