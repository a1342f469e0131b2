/** Token log probabilities in the two shapes of OpenAI's API. */
import type { TokenLogprobs } from '../../engine/core/types.ts';
import type { Tokenizer } from '../../text/tokenizer/tokenizer.ts';
import type { ChatLogprobs } from '../apis/chat-completions/schema.ts';
import type { CompletionLogprobs } from '../apis/completions/schema.ts';
import type { TextToken } from './text-assembler.ts';

/** JSON has no -Infinity; this is what OpenAI sends for it. */
const LOWEST = -9999;
const finite = (x: number): number => Math.max(x, LOWEST);
const utf8 = new TextDecoder();

/** A token on its own; half characters come out as U+FFFD, their true bytes are beside them. */
function tokenText(tokenizer: Tokenizer, id: number): string {
  return utf8.decode(tokenizer.tokenBytes(id));
}

export function chatLogprobs(tokenizer: Tokenizer, tokens: readonly TextToken[]): ChatLogprobs {
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
  tokenizer: Tokenizer,
  tokens: readonly TextToken[],
  base: number,
): CompletionLogprobs {
  const alternatives = ({ top }: TokenLogprobs) =>
    Object.fromEntries(top.map((alt) => [tokenText(tokenizer, alt.id), finite(alt.logprob)]));
  return {
    tokens: tokens.map((t) => t.text),
    token_logprobs: tokens.map((t) => t.logprobs && finite(t.logprobs.logprob)),
    top_logprobs: tokens.map((t) => t.logprobs && alternatives(t.logprobs)),
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
