/**
 * Strict reader of the safetensors format (8-byte little-endian header length, JSON header, tensor bytes), one file.
 * The format's own rules are all enforced: offsets in bounds, no overlap, no hole, sizes that fit dtype and shape, no
 * name twice. Every violation is model_not_readable with one line naming file and tensor.
 */
import { z } from 'zod';
import type { FloatRows, MatrixSource, WeightFormat } from '../../tensor/matrix.ts';
import { unsupported } from '../config.ts';
import { duplicateKey } from './json-keys.ts';
import { ModelFile, notReadable, parseJson } from './model-file.ts';
import { matrixShape, type StoredTensor } from './stored-tensor.ts';

/** Bits an element. */
const dtypeBits: Readonly<Record<string, number>> = {
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  I64: 64,
  I32: 32,
  I16: 16,
  I8: 8,
  U64: 64,
  U32: 32,
  U16: 16,
  U8: 8,
  BOOL: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
};

const weightFormats: Readonly<Record<string, FloatRows['format']>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };

/** The reference implementation's limit; real headers are a few MB at most. */
const MAX_HEADER = 100_000_000;

const size = z.int().nonnegative();
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});

const metadataSchema = z.record(z.string(), z.string());
type FileMetadata = Readonly<Record<string, string>>;

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsTensor extends StoredTensor {
  /** The tensor's bytes, whatever its dtype, or some of them; a copy, little-endian. */
  readBytes(start?: number, length?: number): Uint8Array<ArrayBuffer>;
  /** `__metadata__` of its file. */
  readonly fileMetadata: FileMetadata;
}

/** The file's tensors in the order of their bytes. */
export function readSafetensors(file: ModelFile): SafetensorsTensor[] {
  const { text, dataStart } = readHeader(file);
  const { entries, metadata } = parseHeader(text, file.path);
  checkLayout(entries, file.size - dataStart, file.path);
  return entries.map((entry) => storedTensor(file, entry, dataStart, metadata));
}

function readHeader(file: ModelFile): { text: string; dataStart: number } {
  if (file.size < 8) throw notReadable(file.path, `is ${file.size} bytes long, too short for a safetensors header`);
  const prefix = new Uint8Array(8);
  file.readInto(prefix, 0);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(file.size - 8))
    throw notReadable(file.path, `safetensors header claims ${length} bytes but the file has ${file.size} in all`);
  if (length > BigInt(MAX_HEADER))
    throw notReadable(file.path, `safetensors header claims ${length} bytes; the format allows ${MAX_HEADER}`);
  const bytes = new Uint8Array(Number(length));
  file.readInto(bytes, 8);
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), dataStart: 8 + bytes.length };
  } catch (error) {
    throw notReadable(file.path, 'safetensors header is not UTF-8', error);
  }
}

function parseHeader(text: string, path: string): { entries: Entry[]; metadata: FileMetadata } {
  const header = parseJson(text, `${path} (header)`);
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw notReadable(path, 'safetensors header is not a JSON object');
  const twice = duplicateKey(text);
  if (twice !== null) throw notReadable(path, `tensor ${twice} is in the header twice`);
  const { __metadata__: metadata = {}, ...tensors } = header as Record<string, unknown>;
  return {
    entries: Object.entries(tensors).map(([name, value]) => parseEntry(name, value, path)),
    metadata: metadataSchema.safeParse(metadata).data ?? {},
  };
}

function parseEntry(name: string, value: unknown, path: string): Entry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw notReadable(path, `tensor ${name}: ${issue.path.join('.') || 'entry'}: ${issue.message}`);
  }
  const { dtype, shape, data_offsets } = parsed.data;
  const [begin, end] = data_offsets;
  if (!Object.hasOwn(dtypeBits, dtype)) throw notReadable(path, `tensor ${name}: unknown dtype ${dtype}`);
  if (end < begin) throw notReadable(path, `tensor ${name}: data_offsets ${begin}, ${end} run backwards`);
  const bytes = (shape.reduce((n, d) => n * d, 1) * dtypeBits[dtype]) / 8;
  if (bytes !== end - begin)
    throw notReadable(
      path,
      `tensor ${name}: ${dtype} [${shape.join(', ')}] takes ${bytes} bytes but its data_offsets hold ${end - begin}`,
    );
  return { name, dtype, shape, begin, end };
}

/** Sorts by offset; the tensors must fill the data exactly. */
function checkLayout(entries: Entry[], dataSize: number, path: string): void {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (end > dataSize)
      throw notReadable(path, `tensor ${name} ends at byte ${end} of the data, of which there are ${dataSize}`);
    if (begin < at) throw notReadable(path, `tensor ${name} overlaps the tensor before it`);
    if (begin > at) throw notReadable(path, `${begin - at} bytes before tensor ${name} belong to no tensor`);
    at = end;
  }
  if (at !== dataSize) throw notReadable(path, `${dataSize - at} bytes after the last tensor belong to no tensor`);
}

function storedTensor(file: ModelFile, entry: Entry, dataStart: number, fileMetadata: FileMetadata): SafetensorsTensor {
  const { name, dtype, shape, begin, end } = entry;
  const source = (): MatrixSource => {
    const format: WeightFormat | undefined = weightFormats[dtype];
    if (!format) throw unsupported(file.path, `tensor ${name}: dtype`, dtype, Object.keys(weightFormats));
    const { rows, cols } = matrixShape(shape);
    const rowBytes = (cols * dtypeBits[dtype]) / 8;
    let buffer = new Uint8Array(0);
    return {
      name,
      rows,
      cols,
      format,
      groupSize: 0,
      readRows: (start, count): FloatRows => {
        if (buffer.length < count * rowBytes) buffer = new Uint8Array(count * rowBytes);
        const data = buffer.subarray(0, count * rowBytes);
        file.readInto(data, dataStart + begin + start * rowBytes);
        return { format, data };
      },
    };
  };
  const readBytes = (start = 0, length = end - begin - start) => {
    const bytes = new Uint8Array(length);
    file.readInto(bytes, dataStart + begin + start);
    return bytes;
  };
  return { name, shape, dtype, bytes: end - begin, file: file.path, source, readBytes, fileMetadata };
}
