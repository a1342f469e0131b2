/** Token log probabilities in the two shapes of OpenAI's API. */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatLogprobs } from './protocol/chat-completions.ts';
import type { CompletionLogprobs } from './protocol/completions.ts';
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

/** `base` is the offset of the generated text in the choice's text: the prompt's length with echo. */
export function completionLogprobs(
  tokenizer: Tokenizer,
  tokens: readonly TextToken[],
  base: number,
): CompletionLogprobs {
  const shown = tokens.filter((t) => t.logprobs !== null);
  return {
    tokens: shown.map((t) => t.text),
    token_logprobs: shown.map((t) => finite(t.logprobs!.logprob)),
    top_logprobs: shown.map((t) =>
      Object.fromEntries(t.logprobs!.top.map((alt) => [tokenText(tokenizer, alt.id), finite(alt.logprob)])),
    ),
    text_offset: shown.map((t) => base + t.offset),
  };
}
