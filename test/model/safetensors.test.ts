/** The safetensors reader on good, bad and mutated files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { EngineError } from '../../src/errors.ts';
import { ModelFile } from '../../src/model/files/model-file.ts';
import { readSafetensors } from '../../src/model/files/safetensors.ts';
import { readVector } from '../../src/model/files/stored-tensor.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const path = join(tempDir(t), 'model.safetensors');

function write(header: string | Buffer, data: Uint8Array, claimed = BigInt(Buffer.byteLength(header))): void {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed);
  writeFileSync(path, Buffer.concat([length, Buffer.from(header), data]));
}

function open(): ReturnType<typeof readSafetensors> {
  const file = new ModelFile(path);
  try {
    const tensors = readSafetensors(file);
    for (const tensor of tensors) if (/^(F32|F16|BF16)$/.test(tensor.dtype)) readVector(tensor);
    return tensors;
  } finally {
    file.close();
  }
}

t.test('reads what transformers wrote', (t) => {
  const file = new ModelFile('test/fixtures/models/qwen2/model.safetensors');
  const tensors = new Map(readSafetensors(file).map((tensor) => [tensor.name, tensor]));
  t.equal(tensors.size, 26);
  const embedding = tensors.get('model.embed_tokens.weight');
  t.strictSame([embedding?.shape, embedding?.dtype, embedding?.bytes], [[307, 64], 'F16', 307 * 64 * 2]);
  const source = embedding?.source();
  const all = Buffer.from((source?.readRows(0, 307) as { data: Uint8Array }).data);
  const some = (source?.readRows(100, 3) as { data: Uint8Array }).data;
  t.strictSame(Buffer.from(some), all.subarray(100 * 128, 103 * 128), 'rows 100 … 102 are those of the whole');
  file.close();
  t.end();
});

t.test('scalars, empty tensors and metadata are legal', (t) => {
  write(
    '{"__metadata__":{"a":"b"},"scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"none":{"dtype":"I64","shape":[0,3],"data_offsets":[4,4]}}  ',
    new Uint8Array(new Float32Array([2.5]).buffer),
  );
  const [scalar, none] = open();
  t.strictSame([scalar.name, none.name], ['scalar', 'none']);
  t.end();
});

const f32 = (name: string, shape: number[], begin: number, end: number) =>
  `${JSON.stringify(name)}:{"dtype":"F32","shape":${JSON.stringify(shape)},"data_offsets":[${begin},${end}]}`;
const good = `{${f32('a', [2], 0, 8)},${f32('b', [1, 3], 8, 20)}}`;

t.test('what is wrong is named', (t) => {
  const bytes = (n: number) => new Uint8Array(n);
  const cases: [string, () => void, RegExp][] = [
    ['empty file', () => writeFileSync(path, ''), /is 0 bytes long/],
    ['header longer than the file', () => write(good, bytes(20), 5000n), /header claims 5000 bytes but the file has/],
    ['10 GB header', () => write(good, bytes(20), 10_000_000_000n), /header claims 10000000000 bytes/],
    ['2^64 - 1 header', () => write(good, bytes(20), 2n ** 64n - 1n), /header claims 18446744073709551615/],
    ['header cut short', () => write(good, bytes(20), 30n), /header\): is not valid JSON/],
    ['not an object', () => write('[1]', bytes(0)), /not a JSON object/],
    ['not UTF-8', () => write(Buffer.from([0x7b, 0xff, 0x7d]), bytes(0)), /header is not UTF-8/],
    ['truncated data', () => write(good, bytes(19)), /tensor b ends at byte 20 of the data, of which there are 19/],
    ['extra data', () => write(good, bytes(24)), /4 bytes after the last tensor/],
    ['hole', () => write(`{${f32('a', [2], 0, 8)},${f32('b', [1], 12, 16)}}`, bytes(16)), /4 bytes before tensor b/],
    ['overlap', () => write(`{${f32('a', [2], 0, 8)},${f32('b', [2], 4, 12)}}`, bytes(12)), /tensor b overlaps/],
    ['lying shape', () => write(`{${f32('a', [3], 0, 8)}}`, bytes(8)), /tensor a: F32 \[3\] takes 12 bytes but .* 8/],
    ['huge shape', () => write(`{${f32('a', [9e15, 9e15, 9e15], 0, 8)}}`, bytes(8)), /tensor a: F32 .* takes/],
    ['negative offset', () => write(`{${f32('a', [2], -8, 0)}}`, bytes(8)), /tensor a: data_offsets\.0/],
    ['backwards', () => write(`{${f32('a', [2], 8, 0)}}`, bytes(8)), /tensor a: data_offsets 8, 0 run backwards/],
    [
      'twice',
      () => write(`{${f32('a', [2], 0, 8)},${f32('a', [2], 0, 8)}}`, bytes(8)),
      /tensor a is in the header twice/,
    ],
    [
      'escaped twice',
      () => write(`{${f32('a', [2], 0, 8)},"\\u0061":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, bytes(8)),
      /tensor a is in the header twice/,
    ],
    ['unknown dtype', () => write(good.replaceAll('F32', 'Q9'), bytes(20)), /tensor a: unknown dtype Q9/],
    ['prototype dtype', () => write(good.replaceAll('F32', 'toString'), bytes(20)), /tensor a: unknown dtype toString/],
    ['name of two lines', () => write(`{${f32('a\nb', [3], 0, 8)}}`, bytes(8)), /tensor a b: F32/],
    ['missing key', () => write('{"a":{"dtype":"F32","shape":[2]}}', bytes(8)), /tensor a: data_offsets/],
  ];
  for (const [what, make, message] of cases) {
    make();
    t.throws(open, { code: 'model_not_readable', message }, what);
  }
  write(`{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`, bytes(8));
  const file = new ModelFile(path);
  t.throws(() => readSafetensors(file)[0].source(), { code: 'unsupported_model', message: /tensor a: dtype "I64"/ });
  file.close();
  t.end();
});

t.test('a mutated file gives tensors or an EngineError, nothing else', (t) => {
  const original = readFileSync('test/fixtures/models/qwen2/model.safetensors');
  const header = Number(original.readBigUInt64LE());
  const edits = fc.array(fc.tuple(fc.nat(header + 20), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
  fc.assert(
    fc.property(edits, fc.option(fc.nat(original.length)), (changes, length) => {
      const bytes = Buffer.from(original.subarray(0, length ?? original.length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      writeFileSync(path, bytes);
      return onlyEngineErrors(open);
    }),
    { numRuns: 300 },
  );
  const small = Buffer.concat([Buffer.from([good.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(good), Buffer.alloc(20)]);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(small.length - 1), fc.integer({ min: 32, max: 127 }))), (changes) => {
      const bytes = Buffer.from(small);
      for (const [at, value] of changes) bytes[at] = at > 0 && at < 8 ? 0 : value;
      writeFileSync(path, bytes);
      return onlyEngineErrors(open);
    }),
    { numRuns: 500 },
  );
  t.end();
});

function onlyEngineErrors(action: () => unknown): boolean {
  try {
    action();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return error.code !== 'internal_error' && !error.message.includes('\n');
  }
  return true;
}
