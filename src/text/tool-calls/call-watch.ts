/** Finds out whether a call begins where a tag stands, for text in which a tag alone proves nothing: reasoning. */
import type { ToolCallParser } from './types.ts';

export class CallWatch {
  /** Texts at which a call may begin. */
  readonly marks: readonly string[];
  readonly #create: () => ToolCallParser;
  #parser: ToolCallParser | null = null;
  #read = 0;

  /** @param create a parser for each place that is looked at */
  constructor(marks: readonly string[], create: () => ToolCallParser) {
    this.marks = marks;
    this.#create = create;
  }

  /**
   * @param text begins with a mark; while the verdict is `open`, the next one begins as this did and goes on
   * @returns `text` as soon as it cannot be a call, `call` as soon as the call's name and arguments have begun
   */
  look(text: string): 'call' | 'text' | 'open' {
    this.#parser ??= this.#create();
    // A character at a time: what follows a call must not decide.
    while (this.#read < text.length) {
      const delta = this.#parser.push(text.charAt(this.#read++));
      if (delta === null) continue;
      this.#parser = null;
      this.#read = 0;
      return delta.toolCalls === undefined ? 'text' : 'call';
    }
    return 'open';
  }
}
