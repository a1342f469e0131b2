/**
 * Which log-probabilities are those of an answer's content: thoughts, calls and their tags are taken out of the text, and
 * what may become one is held back, so that content often comes later than its tokens.
 */
import type { AnswerDelta } from '../../text/answer/answer-parser.ts';
import type { ChatLogprobs } from '../apis/chat-completions/schema.ts';

type Token = ChatLogprobs['content'][number];

/** For answers without stop strings: with them a token may come behind its text. */
export class ContentLogprobs {
  /** Tokens whose text has not come yet. */
  #waiting: Token[] = [];
  /** What is still to come of the text of the last token that was given. */
  #rest = '';

  /** @returns those of the tokens of `delta.content`: joined over an answer they are its content, whatever came together */
  push(tokens: readonly Token[], { reasoning, content, toolCalls }: AnswerDelta): Token[] {
    for (const token of tokens) this.#waiting.push(token);
    this.#take(reasoning);
    // What is left of a thought's last token is its tag's, or nothing.
    if (reasoning !== '') this.#rest = '';
    const taken = this.#take(content);
    if (content === '' && toolCalls.length > 0) this.#waiting = [];
    return taken;
  }

  /** The tokens that `text` is made of, in order; others before them are dropped. */
  #take(text: string): Token[] {
    if (text === '') return [];
    const known = commonStart(this.#rest, text);
    this.#rest = known === 0 ? '' : this.#rest.slice(known);
    const taken: Token[] = [];
    for (let left = text.slice(known); left !== '';) {
      const index = this.#find(left);
      if (index < 0) break;
      const passed = this.#waiting.splice(0, index + 1);
      // Tokens without text are parts of the next one's.
      const first = passed.findLastIndex((token, i) => i < index && token.token !== '') + 1;
      taken.push(...passed.slice(first));
      const { token } = passed[index];
      const added = token.slice(startIn(token, left));
      this.#rest = added.slice(left.length);
      left = left.slice(added.length);
    }
    return taken;
  }

  /** Index of the waiting token that `text` begins with, or else inside of; -1 for none. */
  #find(text: string): number {
    const whole = this.#waiting.findIndex(({ token }) => meets(token, text));
    return whole < 0 ? this.#waiting.findIndex(({ token }) => startIn(token, text) >= 0) : whole;
  }
}

/** Whether one of two texts begins with the other. */
function meets(text: string, other: string): boolean {
  return text !== '' && (text.startsWith(other) || other.startsWith(text));
}

/** Where in a token's text another may begin; -1 for nowhere. */
function startIn(token: string, text: string): number {
  for (let i = 0; i < token.length; i++) if (meets(token.slice(i), text)) return i;
  return -1;
}

/** Length of the shorter text where the longer one begins with it, else 0. */
function commonStart(a: string, b: string): number {
  return a !== '' && meets(a, b) ? Math.min(a.length, b.length) : 0;
}
