/**
 * Ends an answer that has to be calls at the first one that repeats an earlier one word for word: small models under
 * such a grammar write the same call until their tokens end.
 */
import type { ToolCallDelta } from './types.ts';

interface Call {
  name: string;
  arguments: string;
}

export class RepeatedCalls {
  /** A call came again; it and what follows are no part of the answer. */
  ended = false;
  readonly #whole: Call[] = [];
  #current: Call = { name: '', arguments: '' };
  #index = -1;
  /** Pieces of the current call, kept back while it may still turn out to be a repetition. */
  #held: ToolCallDelta[] = [];

  /** @returns the pieces that surely belong to the answer */
  push(deltas: readonly ToolCallDelta[]): ToolCallDelta[] {
    return deltas.flatMap((delta) => this.#take(delta));
  }

  /** What is still kept back when the text has ended: the beginning of a call that was cut. */
  end(): ToolCallDelta[] {
    return this.#held.splice(0);
  }

  #take(delta: ToolCallDelta): ToolCallDelta[] {
    if (this.ended) return [];
    if (delta.index !== this.#index) {
      if (this.#index >= 0) this.#whole.push(this.#current);
      this.#current = { name: '', arguments: '' };
      this.#index = delta.index;
    }
    const { name, arguments: args } = this.#current;
    this.#current = { name: name + (delta.name ?? ''), arguments: args + (delta.arguments ?? '') };
    this.#held.push(delta);
    const alike = this.#whole.filter((call) => beginsAs(call, this.#current));
    if (alike.length === 0) return this.#held.splice(0);
    // Arguments are one JSON object, and none is the beginning of another.
    this.ended = alike.some((call) => call.arguments === this.#current.arguments);
    if (this.ended) this.#held = [];
    return [];
  }
}

function beginsAs(call: Call, begun: Call): boolean {
  return call.name === begun.name && call.arguments.startsWith(begun.arguments);
}
