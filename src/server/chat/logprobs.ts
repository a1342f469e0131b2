/** Token log probabilities in the two shapes of OpenAI's API. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenLogprobs } from '../../engine/core/types.ts';
import type { Detokenizer } from '../../text/tokenizer/tokenizer.ts';
import type { ChatLogprobs } from '../apis/chat-completions/schema.ts';
import type { CompletionLogprobs } from '../apis/completions/schema.ts';
import { promptTokens, type TextToken } from '../../text/answer/text-assembler.ts';

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

/** Entries that are written before others get a turn of the event loop. */
const ENTRIES_IN_A_TURN = 4096;

/** Of a prompt's own tokens, written in turns. */
export async function promptLogprobs(
  tokenizer: Detokenizer,
  prompt: Parameters<typeof promptTokens>[1],
  logprobs: readonly (TokenLogprobs | null)[],
): Promise<CompletionLogprobs> {
  const all: CompletionLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
  const alternatives = logprobs.at(-1)?.top.length ?? 0;
  const size = Math.ceil(ENTRIES_IN_A_TURN / (1 + alternatives));
  for (const piece of promptTokens(tokenizer, prompt, logprobs, size)) {
    addLogprobs(all, completionLogprobs(tokenizer, piece, 0));
    await nextTurn();
  }
  return all;
}

/** Appends the four arrays of what goes on behind a text to those of the text. */
export function addLogprobs(all: CompletionLogprobs, more: CompletionLogprobs): void {
  more.tokens.forEach((token, i) => {
    all.tokens.push(token);
    all.token_logprobs.push(more.token_logprobs[i]);
    all.top_logprobs.push(more.top_logprobs[i]);
    all.text_offset.push(more.text_offset[i]);
  });
}
