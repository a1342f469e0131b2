/** Token log probabilities in the two shapes of OpenAI's API. */
import type { TokenLogprobs } from '../../engine/core/types.ts';
import type { Detokenizer } from '../../text/tokenizer/tokenizer.ts';
import type { ChatLogprobs } from '../apis/chat-completions/schema.ts';
import type { CompletionLogprobs } from '../apis/completions/schema.ts';
import type { TextToken } from '../../text/answer/text-assembler.ts';

/** JSON has no -Infinity; this is what OpenAI sends for it. */
const LOWEST = -9999;
const finite = (x: number): number => Math.max(x, LOWEST);
const utf8 = new TextDecoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A token on its own; half characters come out as U+FFFD, their true bytes are beside them. */
function tokenText(tokenizer: Detokenizer, id: number): string {
  return utf8.decode(tokenizer.tokenBytes(id));
}

/** A token on its own as a key: what is only part of a character is written by its bytes, as OpenAI does. */
function tokenKey(tokenizer: Detokenizer, id: number): string {
  const bytes = tokenizer.tokenBytes(id);
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
  }
}

export function chatLogprobs(tokenizer: Detokenizer, tokens: readonly TextToken[]): ChatLogprobs {
  const bytes = (id: number): number[] => [...tokenizer.tokenBytes(id)];
  const content = tokens.flatMap(({ id, text, logprobs }) => {
    if (logprobs === null) return [];
    const top_logprobs = logprobs.top.map((t) => ({
      token: tokenText(tokenizer, t.id),
      logprob: finite(t.logprob),
      bytes: bytes(t.id),
    }));
    return [{ token: text, logprob: finite(logprobs.logprob), bytes: bytes(id), top_logprobs }];
  });
  return { content, refusal: null };
}

/** `base` is the offset of the tokens' text in the choice's text: the prompt's length for what is behind an echo. */
export function completionLogprobs(
  tokenizer: Detokenizer,
  tokens: readonly TextToken[],
  base: number,
): CompletionLogprobs {
  /** The text that a token added; a part of a character added none of its own. */
  const keyOf = ({ id, text }: TextToken): string => {
    const key = tokenKey(tokenizer, id);
    return key.startsWith('bytes:') ? key : text;
  };
  /** Highest first: of two tokens with one text the likelier stays. */
  const alternatives = (token: TextToken, { top }: TokenLogprobs): Record<string, number> => {
    const byKey = new Map<string, number>();
    for (const { id, logprob } of top) {
      const key = (id === token.id && keyOf(token)) || tokenKey(tokenizer, id);
      if (!byKey.has(key)) byKey.set(key, finite(logprob));
    }
    return Object.fromEntries(byKey);
  };
  return {
    tokens: tokens.map(keyOf),
    token_logprobs: tokens.map((t) => t.logprobs && finite(t.logprobs.logprob)),
    top_logprobs: tokens.map((t) => t.logprobs && alternatives(t, t.logprobs)),
    text_offset: tokens.map((t) => base + t.offset),
  };
}

/** The four arrays of a text and of what goes on behind it. */
export function joinLogprobs(a: CompletionLogprobs, b: CompletionLogprobs): CompletionLogprobs {
  return {
    tokens: [...a.tokens, ...b.tokens],
    token_logprobs: [...a.token_logprobs, ...b.token_logprobs],
    top_logprobs: [...a.top_logprobs, ...b.top_logprobs],
    text_offset: [...a.text_offset, ...b.text_offset],
  };
}
