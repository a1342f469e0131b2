/** Writes small GGUF files, wrong ones included. */
import type { Gguf } from '../../src/model/files/gguf.ts';

const ALIGNMENT = 32;

export class GgufBuilder {
  readonly #version: number;
  readonly #metadata: Buffer[] = [];
  readonly #tensors: Buffer[] = [];
  /** Beyond one for each buffer of metadata. */
  #keys = 0;
  #dataBytes = 0;
  readonly #data: { offset: number; bytes: Uint8Array }[] = [];

  constructor(version = 3) {
    this.#version = version;
  }

  u32(key: string, value: number): this {
    this.#metadata.push(Buffer.concat([string(key), u32(4), u32(value)]));
    return this;
  }

  string(key: string, value: string): this {
    this.#metadata.push(Buffer.concat([string(key), u32(8), string(value)]));
    return this;
  }

  strings(key: string, values: readonly string[]): this {
    this.#metadata.push(
      Buffer.concat([string(key), u32(9), u32(8), u64(BigInt(values.length)), ...values.map(string)]),
    );
    return this;
  }

  u32s(key: string, values: readonly number[]): this {
    this.#metadata.push(Buffer.concat([string(key), u32(9), u32(4), u64(BigInt(values.length)), ...values.map(u32)]));
    return this;
  }

  /** An array of zeros. */
  bytes(key: string, length: number): this {
    this.#metadata.push(Buffer.concat([string(key), u32(9), u32(0), u64(BigInt(length)), Buffer.alloc(length)]));
    return this;
  }

  /** Any value type, with eight bytes behind it. */
  raw(key: string, type: number, value: bigint): this {
    this.#metadata.push(Buffer.concat([string(key), u32(type), u64(value)]));
    return this;
  }

  /** A value of four bytes. */
  scalar(key: string, type: 4 | 5 | 6, bits: bigint): this {
    this.#metadata.push(Buffer.concat([string(key), u32(type), u32(Number(bits))]));
    return this;
  }

  /** An array that claims `length` elements and has none. */
  array(key: string, type: number, length: bigint): this {
    this.#metadata.push(Buffer.concat([string(key), u32(9), u32(type), u64(length)]));
    return this;
  }

  /** Arrays of one array each. */
  nested(key: string, depth: number): this {
    const levels = Array.from({ length: depth }, () => Buffer.concat([u32(9), u64(1n)]));
    this.#metadata.push(Buffer.concat([string(key), u32(9), ...levels, u32(0), u64(0n)]));
    return this;
  }

  /** `dimensions` innermost first; `bytes` zeros are appended for it. */
  tensor(name: string, dimensions: readonly bigint[], type: number, offset: bigint, bytes: number): this {
    const shape = Buffer.concat([u32(dimensions.length), ...dimensions.map(u64)]);
    this.#tensors.push(Buffer.concat([string(name), shape, u32(type), u64(offset)]));
    this.#dataBytes = Math.max(this.#dataBytes, Number(offset) + bytes);
    return this;
  }

  /** A tensor behind those that are there, with its bytes. */
  data(name: string, dimensions: readonly bigint[], type: number, bytes: Uint8Array): this {
    const offset = Math.ceil(this.#dataBytes / ALIGNMENT) * ALIGNMENT;
    this.#data.push({ offset, bytes });
    return this.tensor(name, dimensions, type, BigInt(offset), bytes.length);
  }

  /** `count` keys of another file, as they are there. */
  keys(count: number, bytes: Buffer): this {
    this.#keys += count - 1;
    this.#metadata.push(bytes);
    return this;
  }

  build(lies: { tensors?: bigint; metadata?: bigint } = {}): Buffer {
    const counts = [
      u64(lies.tensors ?? BigInt(this.#tensors.length)),
      u64(lies.metadata ?? BigInt(this.#metadata.length + this.#keys)),
    ];
    const head = [Buffer.from('GGUF'), u32(this.#version), ...counts, ...this.#metadata, ...this.#tensors];
    const length = head.reduce((n, part) => n + part.length, 0);
    const padding = (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
    const body = Buffer.alloc(padding + this.#dataBytes);
    for (const { offset, bytes } of this.#data) body.set(bytes, padding + offset);
    return Buffer.concat([...head, body]);
  }
}

/** The file in parts of `perPart[i]` of its tensors each, as gguf-split makes them. `gguf`: what it holds. */
export function splitGguf(file: Buffer, gguf: Gguf, perPart: readonly number[]): Buffer[] {
  const { tensors, metadata } = gguf;
  // Metadata ends where the first tensor's name begins.
  const firstInfo = Buffer.concat([string(tensors[0].name), u32(tensors[0].shape.length)]);
  return perPart.map((count, part) => {
    const from = perPart.slice(0, part).reduce((n, c) => n + c, 0);
    const head = new GgufBuilder()
      .u32('split.no', part)
      .u32('split.count', perPart.length)
      .u32('split.tensors.count', tensors.length);
    if (part === 0) head.keys(metadata.size, file.subarray(24, file.indexOf(firstInfo)));
    for (const { name, shape, format, position, bytes } of tensors.slice(from, from + count))
      head.data(name, shape.map(BigInt).reverse(), format.id, file.subarray(position, position + bytes));
    return head.build();
  });
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function u64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer;
}

function string(text: string): Buffer {
  return Buffer.concat([u64(BigInt(Buffer.byteLength(text))), Buffer.from(text)]);
}
