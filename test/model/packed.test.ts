/** AWQ and GPTQ: how words become weights, and what is refused by name. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openModel } from '../../src/model/files/open-model.ts';
import { ModelFile } from '../../src/model/files/model-file.ts';
import { awq } from '../../src/model/files/packed/awq.ts';
import { gptq } from '../../src/model/files/packed/gptq.ts';
import type { PackedLayout } from '../../src/model/files/packed/layout.ts';
import { unpackedTensors } from '../../src/model/files/packed/packed-tensors.ts';
import { readSafetensors } from '../../src/model/files/safetensors.ts';
import { readVector } from '../../src/model/files/stored-tensor.ts';
import { planWeights } from '../../src/model/weights/weight-plan.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const temp = tempDir(t);

/** Codes [rows, cols]. */
function unpacked(layout: PackedLayout, words: number[], shape: { rows: number; cols: number }): number[] {
  const q = new Uint8Array((shape.rows * shape.cols * layout.bits) / 8);
  layout.unpack(Uint32Array.from(words), shape, 0, shape.rows, q);
  return layout.bits === 8 ? [...q] : [...q].flatMap((byte) => [byte & 15, byte >> 4]);
}

t.test('AWQ: nibbles of a word are rows 0, 2, 4, 6, 1, 3, 5, 7', (t) => {
  t.strictSame(awq.matrixShape([2, 1]), { rows: 8, cols: 2 });
  const codes = unpacked(awq, [0x76543210, 0xfedcba98], { rows: 8, cols: 2 });
  t.strictSame(
    codes.filter((_, i) => i % 2 === 0),
    [0, 4, 1, 5, 2, 6, 3, 7],
    'first column',
  );
  t.strictSame(
    codes.filter((_, i) => i % 2 === 1),
    [8, 12, 9, 13, 10, 14, 11, 15],
    'second column',
  );
  const zeros = Uint32Array.of(0, 0x76543210);
  t.strictSame(
    Array.from({ length: 8 }, (_, row) => awq.zero(zeros, 8, 1, row)),
    [0, 4, 1, 5, 2, 6, 3, 7],
  );
  t.end();
});

t.test('GPTQ: fields of a word are columns of one row; zero points are rows', (t) => {
  t.strictSame(gptq(4, 1).matrixShape([1, 2]), { rows: 2, cols: 8 });
  const two = unpacked(gptq(4, 1), [0x76543210, 0xfedcba98], { rows: 2, cols: 8 });
  t.strictSame(
    two,
    Array.from({ length: 16 }, (_, i) => i),
  );
  t.strictSame(unpacked(gptq(8, 1), [0xff028001], { rows: 1, cols: 4 }), [1, 128, 2, 255]);
  const zeros = (layout: PackedLayout, word: number) =>
    Array.from({ length: 32 / layout.bits }, (_, row) => layout.zero(Uint32Array.of(word), 32 / layout.bits, 0, row));
  t.strictSame(zeros(gptq(4, 2), 0x77777770), [0, 7, 7, 7, 7, 7, 7, 7], 'the second version: as stored');
  t.strictSame(zeros(gptq(4, 1), 0x77777770), [1, 8, 8, 8, 8, 8, 8, 8], 'the first: one more');
  // 0x87654320 less 0x11111111: the 0 in its lowest field borrows from the next.
  t.strictSame(zeros(gptq(4, 1), 0x7654320f), [0, 2, 3, 4, 5, 6, 7, 8], 'a zero point of 0 in the first');
  t.strictSame(zeros(gptq(8, 1), 0x7f7f7f00), [1, 128, 128, 128]);
  t.end();
});

/** A layer of 32 columns, in groups of `groupSize`, and eight rows whose codes are the column's number. */
function layer(groupSize: number, groupIndex?: number[], largest = 1): ReturnType<typeof unpackedTensors>[number] {
  const groups = 32 / groupSize;
  const codes = [0x76543210, 0xfedcba98, 0x76543210, 0xfedcba98].flatMap((word) => Array<number>(8).fill(word));
  const parts: Record<string, [string, number[], ArrayBufferView]> = {
    qweight: ['I32', [4, 8], Uint32Array.from(codes)],
    qzeros: ['I32', [groups, 1], new Uint32Array(groups).fill(0x87654321)],
    // 1, 2, 3 … in the groups.
    scales: [
      'F32',
      [groups, 8],
      Float32Array.from({ length: groups * 8 }, (_, i) => largest * (1 + Math.floor(i / 8))),
    ],
    ...(groupIndex && { g_idx: ['I32', [32], Int32Array.from(groupIndex)] }),
  };
  const path = join(temp, 'layer.safetensors');
  writeSafetensors(path, parts);
  const file = new ModelFile(path);
  t.teardown(() => file.close());
  const tensors = new Map(
    readSafetensors(file).map((tensor) => [`a.${tensor.name}`, { ...tensor, name: `a.${tensor.name}` }]),
  );
  return unpackedTensors(tensors, { layout: gptq(4, 2), groupSize }, 'config.json')[0];
}

function writeSafetensors(path: string, parts: Record<string, [string, number[], ArrayBufferView]>): void {
  let at = 0;
  const header: Record<string, object> = {};
  const data = Object.entries(parts).map(([name, [dtype, shape, values]]) => {
    header[name] = { dtype, shape, data_offsets: [at, (at += values.byteLength)] };
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  });
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, ...data]));
}

t.test('each grouping of columns gives the weights that it means', (t) => {
  const interleaved = Array.from({ length: 32 }, (_, i) => i % 2);
  const cases: [number, number[] | undefined, string, number][] = [
    [32, undefined, 'int4', 32],
    [16, undefined, 'int8', 16],
    [8, undefined, 'f16', 0],
    [16, [...Array<number>(16).fill(1), ...Array<number>(16).fill(0)], 'int8', 16],
    [16, interleaved, 'f16', 0],
  ];
  for (const [groupSize, groupIndex, format, engineGroup] of cases) {
    const tensor = layer(groupSize, groupIndex);
    t.strictSame([tensor.name, tensor.shape, tensor.dtype], ['a.weight', [8, 32], 'GPTQ4']);
    const source = tensor.source();
    t.strictSame([source.format, source.groupSize], [format, engineGroup]);
    const expected = Array.from({ length: 256 }, (_, i) => {
      const [row, col] = [Math.floor(i / 32), i % 32];
      const group = groupIndex?.[col] ?? Math.floor(col / groupSize);
      return (1 + group) * ((col % 16) - (row + 1));
    });
    t.strictSame([...readVector(tensor)], expected, `${format}, groups of ${groupSize}`);
  }
  t.throws(() => layer(16, [2, ...interleaved.slice(1)]).source(), { message: /a\.g_idx names group 2 of 2/ });
  t.throws(() => layer(16, [-1, ...interleaved.slice(1)]).source(), { message: /a\.g_idx names group -1 of 2/ });
  t.end();
});

t.test('a scale that f16 cannot hold is named', (t) => {
  for (const groupSize of [32, 8])
    t.throws(() => readVector(layer(groupSize, undefined, 1e6)), {
      code: 'model_not_readable',
      message: /layer\.safetensors: tensor a\.scales: a scale is not finite in f16/,
    });
  t.end();
});

/** Opens and plans a fixture whose quantization_config was changed. */
function planChanged(name: string, change: object): void {
  const directory = join(temp, 'copy');
  rmSync(directory, { recursive: true, force: true });
  cpSync(fixturePath(name), directory, { recursive: true });
  const path = join(directory, 'config.json');
  const json = JSON.parse(readFileSync(path, 'utf8')) as { quantization_config?: object };
  writeFileSync(path, JSON.stringify({ ...json, quantization_config: { ...json.quantization_config, ...change } }));
  const model = openModel(directory);
  try {
    planWeights(model, 'stored');
  } finally {
    model.close();
  }
}

t.test('what is not read is refused by name', (t) => {
  const refuses = (name: string, change: object, code: string, message: RegExp) =>
    t.throws(() => planChanged(name, change), { code, message }, String(message));
  for (const quant_method of ['bitsandbytes', 'fp8', 'compressed-tensors'])
    refuses(
      'llama-tied',
      { quant_method },
      'unsupported_model',
      new RegExp(
        `config.json: quantization_config.quant_method "${quant_method}" is not supported; supported: awq, gptq`,
      ),
    );
  refuses('llama-tied', {}, 'model_not_readable', /quantization_config\.quant_method: is missing/);
  refuses(
    'llama-awq',
    { version: 'gemv' },
    'unsupported_model',
    /quantization_config\.version "gemv" is not supported; supported: gemm/,
  );
  refuses('llama-awq', { bits: 8 }, 'unsupported_model', /quantization_config\.bits 8 is not supported; supported: 4/);
  refuses('llama-awq', { zero_point: false }, 'unsupported_model', /quantization_config\.zero_point false/);
  refuses(
    'llama-gptq',
    { bits: 3 },
    'unsupported_model',
    /quantization_config\.bits 3 is not supported; supported: 4, 8/,
  );
  refuses(
    'llama-gptq',
    { checkpoint_format: 'marlin' },
    'unsupported_model',
    /checkpoint_format "marlin" is not supported; supported: gptq, gptq_v2/,
  );
  refuses('llama-gptq', { group_size: 0 }, 'model_not_readable', /quantization_config\.group_size: /);
  refuses(
    'llama-gptq',
    { group_size: 64 },
    'model_not_readable',
    /qzeros is \[3, 8\]; bits 4 and group_size 64 ask for \[2, 8\]/,
  );
  refuses(
    'llama-gptq',
    { bits: 8 },
    'model_not_readable',
    /tensor model\.layers\.\d\..*qzeros is .*; bits 8 and group_size 32 ask for /,
  );
  refuses('gpt2', { quant_method: 'gptq' }, 'unsupported_model', /quantization_config: not supported for gpt2/);
  t.end();
});

t.test('a bias that the architecture has no place for may be zero, and nothing else', (t) => {
  const directory = join(temp, 'biased');
  cpSync(fixturePath('llama-gptq'), directory, { recursive: true });
  const path = join(directory, 'model.safetensors');
  const bytes = readFileSync(path);
  const headerBytes = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<string, { data_offsets: number[] }>;
  const name = 'model.layers.1.mlp.down_proj.bias';
  bytes[8 + headerBytes + header[name].data_offsets[0]] = 1;
  writeFileSync(path, bytes);
  const model = openModel(directory);
  t.throws(() => planWeights(model, 'stored'), { message: /no place for model\.layers\.1\.mlp\.down_proj\.bias; / });
  model.close();
  t.end();
});

t.test('packed tensors of which config.json says nothing are named', (t) => {
  const directory = join(temp, 'unsaid');
  cpSync(fixturePath('llama-gptq'), directory, { recursive: true });
  const path = join(directory, 'config.json');
  const { quantization_config, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  t.ok(quantization_config);
  writeFileSync(path, JSON.stringify(rest));
  t.throws(() => openModel(directory), {
    code: 'model_not_readable',
    message: /config\.json: quantization_config is missing, and tensor model\.layers\.\d\..*\.qweight is packed; /,
  });
  t.end();
});
