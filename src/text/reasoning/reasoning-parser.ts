/** Splits a model's text into reasoning and answer as it streams. */
import { findStop, heldBackLength } from '../stop-strings.ts';
import type { CallWatch } from '../tool-calls/call-watch.ts';
import type { ReasoningTags } from './reasoning-tags.ts';

interface ReasoningDelta {
  readonly reasoning: string;
  readonly content: string;
}

export class ReasoningParser {
  readonly #tags: ReasoningTags;
  readonly #calls: CallWatch | null;
  /** What ends the reasoning, or may. */
  readonly #marks: readonly string[];
  #state: 'start' | 'reasoning' | 'answerStart' | 'answer' = 'start';
  #held = '';
  #atFirst = true;

  /** @param calls finds tool calls, which end the reasoning though its closing tag is missing */
  constructor(tags: ReasoningTags, calls: CallWatch | null = null) {
    this.#tags = tags;
    this.#calls = calls;
    this.#marks = [tags.close, ...(calls?.marks ?? [])];
  }

  get reasoning(): boolean {
    return this.#state === 'reasoning' || (this.#state === 'start' && this.#tags.start === 'inside');
  }

  push(text: string): ReasoningDelta {
    this.#held += text;
    let reasoning = '';
    if (this.#state === 'start') this.#decideStart();
    if (this.#state === 'reasoning') reasoning = this.#takeReasoning();
    if (this.#state === 'answerStart') this.#skipBlank();
    return { reasoning, content: this.#state === 'answer' ? this.#takeAll() : '' };
  }

  /** What was held back; an unclosed reasoning stays reasoning. */
  end(): ReasoningDelta {
    const rest = this.#takeAll();
    return this.reasoning
      ? { reasoning: this.#trimFirst(rest.trimEnd()), content: '' }
      : { reasoning: '', content: rest };
  }

  #takeAll(): string {
    const all = this.#held;
    this.#held = '';
    return all;
  }

  /** A model may write the opening tag again that the prompt ended with. */
  #decideStart(): void {
    const { open, start } = this.#tags;
    const text = this.#held.trimStart();
    if (text.startsWith(open)) {
      this.#held = text.slice(open.length);
      this.#state = 'reasoning';
    } else if (!open.startsWith(text)) {
      this.#state = start === 'inside' ? 'reasoning' : 'answer';
    }
  }

  /** White space at both ends of the reasoning belongs to the tags. */
  #takeReasoning(): string {
    let text = '';
    for (;;) {
      const mark = findStop(this.#held, this.#marks);
      if (mark === null) return text + this.#take(this.#held.length - heldBackLength(this.#held, this.#marks));
      text += this.#take(mark.index);
      const at = this.#held.indexOf(mark.stop);
      if (mark.stop === this.#tags.close) {
        this.#held = this.#held.slice(at + mark.stop.length);
        this.#state = 'answerStart';
        return text;
      }
      const verdict = this.#calls?.look(this.#held.slice(at)) ?? 'text';
      if (verdict === 'call') {
        this.#held = this.#held.slice(at);
        this.#state = 'answer';
      }
      if (verdict !== 'text') return text;
      text += this.#take(at + 1);
    }
  }

  /** The first `length` held characters without white space at their end, which stays held. */
  #take(length: number): string {
    const text = this.#held.slice(0, length).trimEnd();
    this.#held = this.#held.slice(text.length);
    return this.#trimFirst(text);
  }

  #trimFirst(text: string): string {
    if (!this.#atFirst) return text;
    const trimmed = text.trimStart();
    if (trimmed !== '') this.#atFirst = false;
    return trimmed;
  }

  #skipBlank(): void {
    this.#held = this.#held.trimStart();
    if (this.#held !== '') this.#state = 'answer';
  }
}
