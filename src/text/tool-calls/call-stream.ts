/**
 * The two ends of a streaming parser: characters in by chunks, content and calls out by deltas.
 *
 * A parser is a generator that reads as if the whole text were there and is suspended where a chunk ends. Every character it
 * reads is *held* until it is claimed once: as content, as arguments, or dropped as a tag. So nothing is lost or sent twice,
 * and the work is linear: a chunk is looked at once and held text is kept as pieces, joined when claimed.
 */
import type { CallIds, Delta, EndReason, JsonSchema, Parsing, ToolCallDelta, ToolDefinition } from './types.ts';

export const whiteSpace = ' \t\r\n';
const notInNames = ' \t\r\n<>[]{}()"\'`,;=';
const longestName = 256;

export class CallStream {
  /** The chunk being read and the next character in it. */
  chunk = '';
  at = 0;
  ended: EndReason | null = null;
  /** Calls started so far. */
  callCount = 0;
  /** Whether anything but white space came out as content. */
  hasText = false;

  #from = 0; // what lies in the chunk between #from and `at` is held, after the pieces in #held
  #held: string[] = [];
  #content = '';
  #calls: ToolCallDelta[] = [];
  /** The start of a call that waits for its id, and everything behind it with it. */
  #unsettled: ToolCallDelta | null = null;
  readonly #tools: readonly ToolDefinition[];
  readonly #ids: CallIds;
  readonly #usedIds = new Set<string>();

  constructor(tools: readonly ToolDefinition[], ids: CallIds) {
    this.#tools = tools;
    this.#ids = ids;
  }

  // ---- in

  /** The next chunk. The parser must have read all of the last one. */
  feed(text: string): void {
    if (this.#from < this.at) this.#held.push(this.chunk.slice(this.#from, this.at));
    this.chunk = text;
    this.at = 0;
    this.#from = 0;
  }

  /** True once there is a character at `at`; false at the end of the output. */
  *more(): Parsing<boolean> {
    while (this.at >= this.chunk.length) {
      if (this.ended !== null) return false;
      yield;
    }
    return true;
  }

  /** Whether the whole output was read. */
  get atEnd(): boolean {
    return this.ended !== null && this.at >= this.chunk.length;
  }

  /** Skips characters of `set`; the next one after them, '' at the end. */
  *space(set = whiteSpace): Parsing<string> {
    while (this.at < this.chunk.length || (yield* this.more())) {
      const c = this.chunk.charAt(this.at);
      if (!set.includes(c)) return c;
      this.at++;
    }
    return '';
  }

  /**
   * Reads exactly one of `tags` (none a prefix of another); null when none is there. The part that fitted is then unread, as
   * another tag may begin in it, but at the end of the output, where it is held.
   */
  *oneOf(tags: readonly string[]): Parsing<string | null> {
    let seen = '';
    while (this.at < this.chunk.length || (yield* this.more())) {
      const next = seen + this.chunk.charAt(this.at);
      if (!tags.some((tag) => tag.startsWith(next))) {
        this.#unread(seen.length);
        return null;
      }
      this.at++;
      seen = next;
      if (tags.includes(seen)) return seen;
    }
    return null;
  }

  /** Goes back over the last `count` characters, all of them held. */
  #unread(count: number): void {
    if (count > this.at - this.#from) {
      // They came with earlier chunks, in part.
      const rest = this.chunk.slice(this.at);
      const text = this.claim();
      this.#held = [text.slice(0, text.length - count)];
      this.chunk = text.slice(text.length - count) + rest;
      this.at = 0;
      this.#from = 0;
    } else this.at -= count;
  }

  *literal(tag: string): Parsing<boolean> {
    return (yield* this.oneOf([tag])) !== null;
  }

  /** A function's name: up to white space, a bracket or a quote. '' when there is none or it is unreasonably long. */
  *name(): Parsing<string> {
    let name = '';
    while (this.at < this.chunk.length || (yield* this.more())) {
      const c = this.chunk.charAt(this.at);
      if (notInNames.includes(c)) return name;
      if (name.length === longestName) return '';
      name += c;
      this.at++;
    }
    return '';
  }

  /**
   * Claims text for `sink` up to the first of `tags`, which is read and held, and returned; null at the end of the output.
   * Only the longest suffix that may begin a tag waits for the next chunk.
   */
  *upTo(tags: readonly string[], sink: (text: string) => void): Parsing<string | null> {
    const first = new Set(tags.map((tag) => tag.charCodeAt(0)));
    let partial = '';
    for (;;) {
      if (this.at >= this.chunk.length) {
        this.#pass(partial.length, sink);
        if (!(yield* this.more())) {
          this.#pass(0, sink);
          return null;
        }
      }
      if (partial === '') {
        while (this.at < this.chunk.length && !first.has(this.chunk.charCodeAt(this.at))) this.at++;
        if (this.at >= this.chunk.length) continue;
      }
      partial += this.chunk.charAt(this.at++);
      while (partial !== '' && !tags.some((tag) => tag.startsWith(partial))) partial = partial.slice(1);
      if (tags.includes(partial)) {
        this.#pass(partial.length, sink);
        return partial;
      }
    }
  }

  #pass(keep: number, sink: (text: string) => void): void {
    const text = this.claim();
    const end = text.length - keep;
    if (end > 0) sink(text.slice(0, end));
    if (keep > 0) this.#held.push(text.slice(end));
  }

  // ---- out

  /** Takes what is held. Called for nothing it drops it: they were tags. */
  claim(): string {
    const text = this.chunk.slice(this.#from, this.at);
    this.#from = this.at;
    if (this.#held.length === 0) return text;
    const held = this.#held.join('');
    this.#held = [];
    return held + text;
  }

  /** Puts claimed text back. */
  hold(text: string): void {
    this.#held.push(text);
  }

  content(text: string): void {
    this.#content += text;
    this.hasText ||= text.trim() !== '';
  }

  /**
   * Begins a call; what was held was its opening. `ownId`: the model's own, kept if it is in the family's form and new.
   * `idFollows`: the model may still write one; the call is given out when `settle` says that it has or has not.
   */
  start(name: string, ownId: string | null = null, idFollows = false): void {
    this.claim();
    const index = this.callCount++;
    const id = this.#isGood(ownId) ? ownId : this.#ids.make(name, index);
    this.#usedIds.add(id);
    const call = { index, id, name, arguments: '' };
    this.#calls.push(call);
    if (idFollows) this.#unsettled = call;
  }

  /** Ends the wait of a call for its id, if it waits. */
  settle(ownId: string | null = null): void {
    if (this.#unsettled !== null && this.#isGood(ownId)) {
      this.#unsettled.id = ownId;
      this.#usedIds.add(ownId);
    }
    this.#unsettled = null;
  }

  #isGood(id: string | null): id is string {
    return id !== null && this.#ids.valid.test(id) && !this.#usedIds.has(id);
  }

  /** More JSON text of the last call's arguments; what was held is it, or its markup. */
  arguments(text: string): void {
    this.claim();
    const index = this.callCount - 1;
    const last = this.#calls.at(-1);
    if (last?.index === index) last.arguments = (last.arguments ?? '') + text;
    else this.#calls.push({ index, arguments: text });
  }

  /** Everything since the last delta, or null. */
  delta(): Delta | null {
    const ready = this.#unsettled === null ? this.#calls.length : this.#calls.indexOf(this.#unsettled);
    if (this.#content === '' && ready === 0) return null;
    const delta: Delta = {};
    if (this.#content !== '') delta.content = this.#content;
    if (ready > 0) delta.toolCalls = this.#calls.slice(0, ready);
    this.#content = '';
    this.#calls = this.#calls.slice(ready);
    return delta;
  }

  // ---- tools

  /** Whether `name` may be a call in a format without tags: a declared tool, or any name when none were declared. */
  knows(name: string): boolean {
    return this.#tools.length === 0 || this.#tools.some((tool) => tool.function.name === name);
  }

  /** JSON schema of the arguments of `name`; null for an unknown tool and one that takes none. */
  parameters(name: string): JsonSchema | null {
    return this.#tools.find((tool) => tool.function.name === name)?.function.parameters ?? null;
  }
}
