/** GGUF metadata values (ggml/docs/gguf.md): typed scalars, strings and arrays. */
import type { GgufCursor } from './gguf-cursor.ts';
import { notReadable } from './model-file.ts';

type TypedArray =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array | Uint32Array | Float32Array | Float64Array;
type GgufArray = readonly GgufValue[] | TypedArray;
/** 64-bit integers are numbers where a double holds them, else bigints. */
export type GgufValue = number | bigint | boolean | string | GgufArray;
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

const STRING = 8;
const ARRAY = 9;
interface Scalar {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number | bigint | boolean;
}

const scalars: Readonly<Record<number, Scalar>> = {
  0: { bytes: 1, read: (v, at) => v.getUint8(at) },
  1: { bytes: 1, read: (v, at) => v.getInt8(at) },
  2: { bytes: 2, read: (v, at) => v.getUint16(at, true) },
  3: { bytes: 2, read: (v, at) => v.getInt16(at, true) },
  4: { bytes: 4, read: (v, at) => v.getUint32(at, true) },
  5: { bytes: 4, read: (v, at) => v.getInt32(at, true) },
  6: { bytes: 4, read: (v, at) => v.getFloat32(at, true) },
  7: { bytes: 1, read: (v, at) => v.getUint8(at) !== 0 },
  10: { bytes: 8, read: (v, at) => narrow(v.getBigUint64(at, true)) },
  11: { bytes: 8, read: (v, at) => narrow(v.getBigInt64(at, true)) },
  12: { bytes: 8, read: (v, at) => v.getFloat64(at, true) },
};

/** Arrays of these stay as compact as in the file: a wrong length or type may make one of a hundred million elements. */
const typed: Readonly<Record<number, new (bytes: ArrayBuffer) => TypedArray>> = {
  0: Uint8Array,
  1: Int8Array,
  2: Uint16Array,
  3: Int16Array,
  4: Uint32Array,
  5: Int32Array,
  6: Float32Array,
  7: Uint8Array,
  12: Float64Array,
};

export function readValue(cursor: GgufCursor, path: string, type = cursor.u32()): GgufValue {
  if (type === STRING) return cursor.string();
  if (type === ARRAY) return readArray(cursor, path);
  const scalar = scalars[type] as Scalar | undefined;
  if (!scalar) throw notReadable(path, `${cursor.what} has value type ${type}, which GGUF does not know`);
  return scalar.read(view(cursor.bytes(scalar.bytes)), 0);
}

/** Arrays of arrays, which llama.cpp refuses too, would make a hundred bytes in memory of each twelve in the file. */
function readArray(cursor: GgufCursor, path: string): GgufArray {
  const type = cursor.u32();
  if (type === ARRAY) throw notReadable(path, `${cursor.what} is an array of arrays`);
  const scalar = scalars[type] as Scalar | undefined;
  if (!scalar) {
    const length = cursor.count(8);
    const values: GgufValue[] = [];
    for (let i = 0; i < length; i++) values.push(readValue(cursor, path, type));
    return values;
  }
  const length = cursor.count(scalar.bytes);
  const bytes = cursor.bytes(length * scalar.bytes);
  const Typed = typed[type] as (typeof typed)[number] | undefined;
  if (Typed) return new Typed(bytes.slice().buffer);
  const values = view(bytes);
  return Array.from({ length }, (_, i) => scalar.read(values, i * scalar.bytes));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
