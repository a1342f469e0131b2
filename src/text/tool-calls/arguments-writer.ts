/** Writes a call's arguments object for the formats that are not JSON themselves. */
import type { CallStream } from './call-stream.ts';

const short: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text as the inside of a JSON string. Works on fragments: surrogate halves stay as they are and meet when joined. */
export function escapeJson(text: string): string {
  return text.replace(/["\\\u0000-\u001f]/g, (c) => short[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export class ArgumentsWriter {
  readonly #stream: CallStream;
  #isEmpty = true;

  constructor(stream: CallStream) {
    this.#stream = stream;
  }

  /** `"key": `, with what must precede it. The value follows through `text`. */
  key(key: string): void {
    this.text(`${this.#isEmpty ? '{' : ', '}"${escapeJson(key)}": `);
    this.#isEmpty = false;
  }

  text(json: string): void {
    this.#stream.arguments(json);
  }

  close(): void {
    this.text(this.#isEmpty ? '{}' : '}');
  }
}
