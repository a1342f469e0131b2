/** Reads the little-endian fields of a GGUF header in order, through a window that never trusts a length it reads. */
import { ModelFile, notReadable } from './model-file.ts';

const WINDOW = 1 << 20;
/** Real headers (a vocabulary of 260,000 tokens with merges and scores) stay under 30 MB. */
const HEADER_LIMIT = 1 << 27;

export class GgufCursor {
  readonly #file: ModelFile;
  readonly #limit: number;
  #position = 0;
  #window = new Uint8Array(0);
  #windowStart = 0;
  /** What is being read, for error messages. */
  what = 'the header';

  constructor(file: ModelFile) {
    this.#file = file;
    this.#limit = Math.min(file.size, HEADER_LIMIT);
  }

  get position(): number {
    return this.#position;
  }

  /** The next `length` bytes; a view that the next call may overwrite. */
  bytes(length: number): Uint8Array {
    this.expect(length, 1);
    if (this.#position + length > this.#windowStart + this.#window.length) {
      this.#window = new Uint8Array(Math.min(Math.max(WINDOW, length), this.#file.size - this.#position));
      this.#file.readInto(this.#window, this.#position);
      this.#windowStart = this.#position;
    }
    const from = this.#position - this.#windowStart;
    this.#position += length;
    return this.#window.subarray(from, from + length);
  }

  u32(): number {
    return this.#view(4).getUint32(0, true);
  }

  u64(): bigint {
    return this.#view(8).getBigUint64(0, true);
  }

  /** A u64 that counts elements of at least `elementBytes` bytes each, all still to come. */
  count(elementBytes: number): number {
    const count = this.u64();
    this.expect(count, elementBytes);
    return Number(count);
  }

  /** u64 length, then UTF-8 bytes. Vocabularies hold tokens that are no valid UTF-8: those come out with U+FFFD. */
  string(): string {
    const bytes = this.bytes(this.count(1));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  }

  /** Throws unless `count` elements of `elementBytes` bytes fit into what is left. */
  expect(count: number | bigint, elementBytes: number): void {
    const left = this.#limit - this.#position;
    if (BigInt(count) * BigInt(elementBytes) <= BigInt(left)) return;
    const end = this.#limit === this.#file.size ? 'the file ends' : `the header limit of ${HEADER_LIMIT} bytes is`;
    throw notReadable(
      this.#file.path,
      `${this.what} claims ${count} × ${elementBytes} bytes at byte ${this.#position} but ${end} ${left} bytes on`,
    );
  }

  #view(length: number): DataView {
    const bytes = this.bytes(length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }
}
