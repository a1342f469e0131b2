/**
 * Strict reader of GGUF v2 and v3 files (ggml/docs/gguf.md): header, metadata and tensor infos. `@huggingface/gguf` reads
 * the same over HTTP ranges; it is asynchronous and trusts counts and offsets, which a server that opens whatever file it
 * is given cannot. Every violation is model_not_readable with one line naming file and tensor or key.
 */
import { EngineError } from '../../errors.ts';
import { ggmlFormat, ggmlTypeName, supportedGgmlTypes, type GgmlFormat } from './ggml-quants/types.ts';
import { GgufCursor } from './gguf-cursor.ts';
import { readValue, type GgufMetadata, type GgufValue } from './gguf-values.ts';
import { notReadable, type ModelFile } from './model-file.ts';

export interface GgufTensorInfo {
  readonly file: ModelFile;
  readonly name: string;
  /** Outermost first, as everywhere else here; the file has them innermost first. */
  readonly shape: readonly number[];
  readonly format: GgmlFormat;
  readonly bytes: number;
  /** Of the first byte, from the start of the file. */
  readonly position: number;
}

export interface Gguf {
  readonly version: number;
  readonly metadata: GgufMetadata;
  readonly tensors: readonly GgufTensorInfo[];
}

const MAGIC = 0x46554747; // "GGUF"
const DEFAULT_ALIGNMENT = 32;
/** Real files have some thousands of tensors and under a hundred keys; each takes far more memory than its bytes in the file. */
const MAX_TENSORS = 1 << 18;
const MAX_KEYS = 1 << 16;

export function readGguf(file: ModelFile): Gguf {
  const cursor = new GgufCursor(file);
  const version = readVersion(cursor, file.path);
  cursor.what = 'the tensor count';
  // An info is at least name length, dimension count, type and offset.
  const tensorCount = atMost(MAX_TENSORS, cursor.count(24), 'tensors', file.path);
  cursor.what = 'the metadata count';
  const metadataCount = atMost(MAX_KEYS, cursor.count(13), 'metadata keys', file.path);
  const metadata = readMetadata(cursor, metadataCount, file.path);
  const infos = readInfos(cursor, tensorCount, file.path);
  const alignment = readAlignment(metadata, file.path);
  const dataStart = align(cursor.position, alignment);
  return { version, metadata, tensors: place(infos, dataStart, alignment, file) };
}

function atMost(limit: number, count: number, what: string, path: string): number {
  if (count <= limit) return count;
  throw notReadable(path, `claims ${count} ${what}; at most ${limit} are read`);
}

function readVersion(cursor: GgufCursor, path: string): number {
  if (cursor.u32() !== MAGIC) throw notReadable(path, 'is not a GGUF file (its first four bytes are not "GGUF")');
  const version = cursor.u32();
  if (version === 2 || version === 3) return version;
  const bigEndian = version === 0x02000000 || version === 0x03000000;
  throw new EngineError(
    'unsupported_model',
    bigEndian
      ? `${path}: is a big-endian GGUF file; only little-endian ones load`
      : `${path}: GGUF version ${version} is not supported; supported: 2, 3`,
  );
}

function readMetadata(cursor: GgufCursor, count: number, path: string): GgufMetadata {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    cursor.what = `metadata key ${i + 1} of ${count}`;
    const key = cursor.string();
    if (metadata.has(key)) throw notReadable(path, `metadata key ${key} is there twice`);
    cursor.what = `metadata ${key}`;
    metadata.set(key, readValue(cursor, path));
  }
  return metadata;
}

interface RawInfo {
  readonly name: string;
  readonly dimensions: readonly bigint[];
  readonly type: number;
  readonly offset: bigint;
}

function readInfos(cursor: GgufCursor, count: number, path: string): RawInfo[] {
  const infos: RawInfo[] = [];
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    cursor.what = `tensor info ${i + 1} of ${count}`;
    const name = cursor.string();
    if (names.has(name)) throw notReadable(path, `tensor ${name} is there twice`);
    names.add(name);
    cursor.what = `tensor ${name}`;
    const rank = cursor.u32();
    if (rank < 1 || rank > 4) throw notReadable(path, `tensor ${name} has ${rank} dimensions; GGUF allows 1 to 4`);
    const dimensions = Array.from({ length: rank }, () => cursor.u64());
    infos.push({ name, dimensions, type: cursor.u32(), offset: cursor.u64() });
  }
  return infos;
}

function readAlignment(metadata: GgufMetadata, path: string): number {
  const value = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (typeof value === 'number' && value >= 1 && value <= 1 << 20 && Number.isInteger(Math.log2(value))) return value;
  throw notReadable(path, `general.alignment is ${String(value)}, not a power of two up to 1 MiB`);
}

/** Checks sizes and offsets: tensors follow each other in file order, each padded to the alignment. */
function place(infos: RawInfo[], dataStart: number, alignment: number, file: ModelFile): GgufTensorInfo[] {
  let expected = 0;
  return infos.map(({ name, dimensions, type, offset }) => {
    const format = ggmlFormat(type);
    if (!format)
      throw new EngineError(
        'unsupported_model',
        `${file.path}: tensor ${name}: type ${ggmlTypeName(type)} is not supported; supported: ${supportedGgmlTypes.join(', ')}`,
      );
    const elements = dimensions.reduce((n, d) => n * d, 1n);
    const [rowLength] = dimensions;
    const shape = dimensions.map(Number).reverse();
    if (elements === 0n || rowLength % BigInt(format.blockSize) !== 0n)
      throw notReadable(file.path, `tensor ${name}: ${format.name} cannot have shape [${shape.join(', ')}]`);
    if (offset !== BigInt(expected))
      throw notReadable(file.path, `tensor ${name} is at offset ${offset}; ${expected} was expected`);
    const bytes = (elements / BigInt(format.blockSize)) * BigInt(format.blockBytes);
    const position = dataStart + expected;
    if (BigInt(position) + bytes > BigInt(file.size))
      throw notReadable(
        file.path,
        `tensor ${name} ends at byte ${BigInt(position) + bytes} but the file has ${file.size}: it is truncated`,
      );
    expected = align(expected + Number(bytes), alignment);
    return { file, name, shape, format, bytes: Number(bytes), position };
  });
}

function align(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}
