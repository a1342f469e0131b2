/** The GGUF reader and the block decoders: against the `gguf` Python package, on bad files and on mutated ones. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { gguf as readWithLibrary } from '@huggingface/gguf';
import { EngineError } from '../../src/errors.ts';
import { unpackGrid } from '../../src/model/files/ggml-quants/grid.ts';
import { iq1Grid } from '../../src/model/files/ggml-quants/grids/iq1.ts';
import { iq2SGrid } from '../../src/model/files/ggml-quants/grids/iq2_s.ts';
import { iq2XsGrid } from '../../src/model/files/ggml-quants/grids/iq2_xs.ts';
import { iq2XxsGrid } from '../../src/model/files/ggml-quants/grids/iq2_xxs.ts';
import { iq3SGrid } from '../../src/model/files/ggml-quants/grids/iq3_s.ts';
import { iq3XxsGrid } from '../../src/model/files/ggml-quants/grids/iq3_xxs.ts';
import { decoderGguf, huggingFaceName } from '../../src/model/files/gguf-names.ts';
import { storedTensor } from '../../src/model/files/gguf-tensors.ts';
import { readGguf, type Gguf } from '../../src/model/files/gguf.ts';
import { ModelFile } from '../../src/model/files/model-file.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { readVector } from '../../src/model/files/stored-tensor.ts';
import { dequantizeRows } from '../../src/tensor/rows.ts';
import { GgufBuilder } from '../helpers/gguf-builder.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const path = join(tempDir(t), 'model.gguf');
const quants = 'test/fixtures/models/gguf-quants/quants.gguf';

function read(from = path): Gguf {
  const file = new ModelFile(from);
  try {
    return readGguf(file);
  } finally {
    file.close();
  }
}

t.test('metadata and tensor infos are those that @huggingface/gguf reads', async (t) => {
  for (const file of [quants, 'test/fixtures/models/llama-gguf-mixed/llama-gguf-mixed.gguf']) {
    const ours = read(file);
    const theirs = await readWithLibrary(file, { allowLocalFile: true });
    for (const [key, value] of ours.metadata) {
      const plain = ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value;
      t.strictSame(plain, (theirs.metadata as Record<string, unknown>)[key], key);
    }
    t.strictSame(
      ours.tensors.map(({ name, shape, format, position }) => [name, [...shape].reverse(), format.id, position]),
      theirs.tensorInfos.map(({ name, shape, dtype, offset }) => [
        name,
        shape.map(Number),
        dtype,
        Number(theirs.tensorDataOffset) + Number(offset),
      ]),
    );
  }
});

/** How far a repacked weight may be from the exact one, in units of 2⁻¹¹: the f16 rounding of scale and min. */
type Rounding = (scale: number, min: number, weight: number) => number;
const affine =
  (largestCode: number): Rounding =>
  (scale, min) =>
    largestCode * scale + min;
const ofScale: Rounding = (_scale, _min, weight) => weight;
const rounding: Record<string, Rounding> = {
  Q2_K: affine(3),
  Q3_K: ofScale,
  Q4_K: affine(15),
  Q5_K: affine(31),
  Q6_K: affine(63),
  IQ1_S: affine(2),
  IQ1_M: ofScale,
  IQ2_XXS: ofScale,
  IQ2_XS: ofScale,
  IQ2_S: ofScale,
  IQ3_XXS: ofScale,
  IQ3_S: affine(15),
  IQ4_XS: ofScale,
};
/** Where nothing is rounded (Q4_0 … Q8_0) the last bit of f32 arithmetic may differ; not in these. */
const sameBits = ['IQ4_NL', 'TQ1_0', 'TQ2_0', 'MXFP4'];
/** Fixtures whose first row has powers of two as scales: what is computed from those is exact in f16. */
const isPlain = (name: string) => sameBits.includes(name) || (name in rounding && !/^Q[456]/.test(name));

t.test('every format decodes to what the gguf package makes of it', (t) => {
  const expected = new Float32Array(
    new Uint8Array(readFileSync('test/fixtures/models/gguf-quants/expected.f32')).buffer,
  );
  const file = new ModelFile(quants);
  let at = 0;
  for (const info of readGguf(file).tensors) {
    const source = storedTensor(info, info.name).source();
    const { cols, groupSize } = source;
    const rows = source.readRows(0, 3);
    const values = dequantizeRows(rows, 3, cols, groupSize);
    const [worst, allowed] = compare(values, expected.subarray(at, at + values.length), (i) => {
      if (!('scale' in rows) || sameBits.includes(info.name)) return 0;
      if (i < cols && isPlain(info.name)) return 0;
      const group = Math.floor(i / groupSize);
      const [scale, min] = [rows.scale, rows.min].map((a) => Math.abs(half(a[group])));
      const rounded = rounding[info.name]?.(scale, min, Math.abs(expected[at + i])) ?? 0;
      return rounded * 2 ** -11 + min * 2 ** -22;
    });
    t.ok(worst <= allowed, `${info.name}: off by ${worst.toExponential(1)}, ${allowed.toExponential(1)} allowed`);
    const middle = dequantizeRows(source.readRows(1, 1), 1, cols, groupSize);
    t.strictSame(middle, values.slice(cols, 2 * cols), `${info.name}: a row alone`);
    at += values.length;
  }
  t.equal(at, expected.length);
  file.close();
  t.end();
});

t.test('grids are those of the gguf package', (t) => {
  const hash = (text: string, bits: 2 | 4, values: number[]) =>
    createHash('sha256')
      .update(unpackGrid(text, bits, values))
      .digest('hex');
  const two = [8, 25, 43];
  t.strictSame(
    {
      IQ1_S: hash(iq1Grid, 2, [-1, 0, 1]),
      IQ2_XXS: hash(iq2XxsGrid, 2, two),
      IQ2_XS: hash(iq2XsGrid, 2, two),
      IQ2_S: hash(iq2SGrid, 2, two),
      IQ3_XXS: hash(iq3XxsGrid, 4, [4, 12, 20, 28, 36, 44, 52, 62]),
      IQ3_S: hash(iq3SGrid, 4, [1, 3, 5, 7, 9, 11, 13, 15]),
    },
    JSON.parse(readFileSync('test/fixtures/models/gguf-quants/grids.json', 'utf8')),
  );
  t.end();
});

/** The difference that exceeds its bound most, and that bound. */
function compare(actual: Float32Array, expected: Float32Array, bound: (i: number) => number): [number, number] {
  let worst: [number, number] = [0, Infinity];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (!(difference - bound(i) <= worst[0] - worst[1])) worst = [difference, bound(i)];
  }
  return worst;
}

function half(bits: number): number {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(bits);
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  return sign * (exponent ? (1 + (bits & 1023) / 1024) * 2 ** (exponent - 15) : (bits & 1023) * 2 ** -24);
}

t.test('names', (t) => {
  t.equal(huggingFaceName('blk.12.attn_output.weight', decoderGguf), 'model.layers.12.self_attn.o_proj.weight');
  t.equal(huggingFaceName('token_embd.weight', decoderGguf), 'model.embed_tokens.weight');
  for (const strange of [
    'blk.0.attn_norm_2.weight',
    'blk.x.attn_q.weight',
    'toString.weight',
    'blk.0.constructor.bias',
  ])
    t.equal(huggingFaceName(strange, decoderGguf), strange);
  t.end();
});

const F32 = 0;
const Q4_0 = 2;

t.test('what is wrong is named', (t) => {
  const tensor = (b: GgufBuilder) => b.tensor('a', [32n, 2n], Q4_0, 0n, 36);
  const cases: [string, Buffer, string, RegExp][] = [
    ['empty', Buffer.alloc(0), 'model_not_readable', /the header claims 4 × 1 bytes at byte 0/],
    ['another format', Buffer.from('PK\x03\x04 something'), 'model_not_readable', /not a GGUF file/],
    ['version 1', new GgufBuilder(1).build(), 'unsupported_model', /version 1 is not supported; supported: 2, 3/],
    ['big-endian', new GgufBuilder(0x03000000).build(), 'unsupported_model', /big-endian/],
    ['absurd tensor count', new GgufBuilder().build({ tensors: 2n ** 60n }), 'model_not_readable', /the tensor count/],
    [
      'absurd metadata count',
      new GgufBuilder().build({ metadata: 2n ** 64n - 1n }),
      'model_not_readable',
      /the metadata count/,
    ],
    ['absurd string', new GgufBuilder().raw('k', 8, 2n ** 40n).build(), 'model_not_readable', /metadata k claims/],
    [
      'unknown value type',
      new GgufBuilder().raw('k', 13, 0n).build(),
      'model_not_readable',
      /metadata k has value type 13/,
    ],
    [
      'array as long as the universe',
      new GgufBuilder().array('k', 4, 2n ** 62n).build(),
      'model_not_readable',
      /metadata k claims/,
    ],
    [
      'arrays all the way down',
      new GgufBuilder().nested('k', 200).build(),
      'model_not_readable',
      /metadata k is an array of arrays/,
    ],
    [
      'key twice',
      new GgufBuilder().u32('k', 1).u32('k', 1).build(),
      'model_not_readable',
      /metadata key k is there twice/,
    ],
    [
      'bad alignment',
      new GgufBuilder().u32('general.alignment', 33).build(),
      'model_not_readable',
      /general.alignment is 33/,
    ],
    [
      'no alignment',
      new GgufBuilder().u32('general.alignment', 0).build(),
      'model_not_readable',
      /general.alignment is 0/,
    ],
    [
      'truncated',
      tensor(new GgufBuilder()).build().subarray(0, -1),
      'model_not_readable',
      /tensor a ends at byte .* truncated/,
    ],
    ['tensor twice', tensor(tensor(new GgufBuilder())).build(), 'model_not_readable', /tensor a is there twice/],
    [
      'rank 5',
      new GgufBuilder().tensor('a', [1n, 1n, 1n, 1n, 1n], F32, 0n, 4).build(),
      'model_not_readable',
      /tensor a has 5 dim/,
    ],
    ['rank 0', new GgufBuilder().tensor('a', [], F32, 0n, 4).build(), 'model_not_readable', /tensor a has 0 dim/],
    [
      'half a block',
      new GgufBuilder().tensor('a', [33n], Q4_0, 0n, 36).build(),
      'model_not_readable',
      /tensor a: Q4_0 cannot/,
    ],
    [
      'no elements',
      new GgufBuilder().tensor('a', [0n], F32, 0n, 4).build(),
      'model_not_readable',
      /tensor a: F32 cannot/,
    ],
    [
      'unaligned offset',
      new GgufBuilder().tensor('a', [1n], F32, 4n, 8).build(),
      'model_not_readable',
      /tensor a is at offset 4; 0/,
    ],
    [
      'overlap',
      new GgufBuilder().tensor('a', [16n], F32, 0n, 64).tensor('b', [1n], F32, 32n, 4).build(),
      'model_not_readable',
      /tensor b is at offset 32; 64/,
    ],
    [
      'huge',
      new GgufBuilder().tensor('a', [2n ** 62n, 2n ** 62n], F32, 0n, 4).build(),
      'model_not_readable',
      /tensor a ends at/,
    ],
    [
      'Q8_K',
      new GgufBuilder().tensor('a', [256n], 15, 0n, 292).build(),
      'unsupported_model',
      /tensor a: type Q8_K .* Q6_K/,
    ],
    [
      'NVFP4',
      new GgufBuilder().tensor('a', [64n], 40, 0n, 36).build(),
      'unsupported_model',
      /tensor a: type NVFP4 .* MXFP4/,
    ],
    [
      'type 99',
      new GgufBuilder().tensor('a', [256n], 99, 0n, 74).build(),
      'unsupported_model',
      /tensor a: type number 99/,
    ],
  ];
  for (const [what, bytes, code, message] of cases) {
    writeFileSync(path, bytes);
    t.throws(() => read(), { code, message }, what);
  }
  t.end();
});

t.test('a scale that is no number is found when it is read', (t) => {
  const file = new GgufBuilder().tensor('a', [32n], Q4_0, 0n, 18).build();
  file.writeUInt16LE(0x7c00, file.length - 18);
  writeFileSync(path, file);
  const opened = new ModelFile(path);
  const [info] = readGguf(opened).tensors;
  t.throws(() => readVector(storedTensor(info, 'a')), {
    code: 'model_not_readable',
    message: /tensor a: a Q4_0 scale/,
  });
  opened.close();
  t.end();
});

t.test('MXFP4 blocks whose scale is no f16: too small is zero, too large is refused', (t) => {
  const MXFP4 = 39;
  const block = (exponent: number) => {
    writeFileSync(
      path,
      new GgufBuilder().data('a', [32n], MXFP4, new Uint8Array(17).fill(0x77).fill(exponent, 0, 1)).build(),
    );
    const opened = new ModelFile(path);
    try {
      return readVector(storedTensor(readGguf(opened).tensors[0], 'a'));
    } finally {
      opened.close();
    }
  };
  t.ok(block(0).every((v) => v === 0));
  t.ok(block(128 - 25).every((v) => v === 0));
  t.ok(block(128 - 24).every((v) => v === 12 * 2 ** -24));
  t.ok(block(128 + 8).every((v) => v === 12 * 2 ** 8));
  t.throws(() => block(128 + 9), {
    code: 'model_not_readable',
    message: /tensor a: a MXFP4 scale is not finite in f16/,
  });
  t.end();
});

t.test('a mutated file gives a model or an EngineError, nothing else', (t) => {
  const original = readFileSync('test/fixtures/models/qwen2-gguf/qwen2-gguf.gguf');
  const header = 3200;
  const edit = fc.tuple(fc.nat(header), fc.integer({ min: 0, max: 255 }));
  const edits = fc.array(edit, { maxLength: 5 });
  fc.assert(
    fc.property(edits, fc.option(fc.nat(original.length)), (changes, length) => {
      const bytes = Buffer.from(original.subarray(0, length ?? original.length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      writeFileSync(path, bytes);
      try {
        const model = openModel(path);
        for (const tensor of model.tensors.values()) if (tensor.shape.length === 1) readVector(tensor);
        model.close();
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        return error.code !== 'internal_error' && !error.message.includes('\n');
      }
      return true;
    }),
    { numRuns: 600 },
  );
  t.end();
});
