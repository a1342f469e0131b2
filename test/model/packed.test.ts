/** Packed layers: how words become weights, and what is refused by name. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openModel } from '../../src/model/files/open-model.ts';
import { ModelFile } from '../../src/model/files/model-file.ts';
import { awq } from '../../src/model/files/packed/awq.ts';
import { bitsandbytes } from '../../src/model/files/packed/bitsandbytes.ts';
import { columnsPacked } from '../../src/model/files/packed/columns-packed.ts';
import { compressedTensors } from '../../src/model/files/packed/compressed-tensors.ts';
import { fp8 } from '../../src/model/files/packed/fp8.ts';
import { gptq } from '../../src/model/files/packed/gptq.ts';
import type { PackedLayout } from '../../src/model/files/packed/layout.ts';
import type { Packing } from '../../src/model/files/packed/packing.ts';
import { unpackedTensors } from '../../src/model/files/packed/packed-tensors.ts';
import { readSafetensors } from '../../src/model/files/safetensors.ts';
import { readVector, type StoredTensor } from '../../src/model/files/stored-tensor.ts';
import { planWeights } from '../../src/model/weights/weight-plan.ts';
import { torchao } from '../../src/model/files/packed/torchao.ts';
import { e4m3, e8m0 } from '../../src/tensor/f8.ts';
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
  return unpackedTensors(tensors, columnsPacked(gptq(4, 2), groupSize), 'config.json')[0];
}

function writeSafetensors(
  path: string,
  parts: Record<string, [string, number[], ArrayBufferView]>,
  metadata: Record<string, string> = {},
): void {
  let at = 0;
  const header: Record<string, object> = { __metadata__: metadata };
  const data = Object.entries(parts).map(([name, [dtype, shape, values]]) => {
    header[name] = { dtype, shape, data_offsets: [at, (at += values.byteLength)] };
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  });
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, ...data]));
}

/** What a packing makes of the parts of the layer `a`. */
function unpackedLayer(
  packing: Packing,
  parts: Record<string, [string, number[], ArrayBufferView]>,
  metadata: Record<string, string> = {},
): StoredTensor {
  const path = join(temp, 'layer.safetensors');
  writeSafetensors(
    path,
    Object.fromEntries(Object.entries(parts).map(([name, part]) => [`a.${name}`, part])),
    metadata,
  );
  const file = new ModelFile(path);
  t.teardown(() => file.close());
  const tensors = new Map(readSafetensors(file).map((tensor) => [tensor.name, tensor]));
  const unpacked = unpackedTensors(tensors, packing, 'config.json');
  t.equal(unpacked.length, 1, 'nothing else is left');
  return unpacked[0];
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
      message: /layer\.safetensors: tensor a\.weight: a weight or its scale is not finite in f16/,
    });
  t.end();
});

t.test('E4M3 and E8M0', (t) => {
  t.strictSame(
    [0x00, 0x01, 0x07, 0x08, 0x38, 0x7e, 0xb8, 0xfe].map((bits) => e4m3[bits]),
    [0, 2 ** -9, 7 * 2 ** -9, 2 ** -6, 1, 448, -1, -448],
  );
  t.ok(Number.isNaN(e4m3[0x7f]) && Number.isNaN(e4m3[0xff]));
  t.strictSame(
    [126, 127, 131].map((bits) => e8m0[bits]),
    [0.5, 1, 16],
  );
  t.ok(Number.isNaN(e8m0[255]));
  t.end();
});

t.test('fp8: a scale a block, a row or a matrix; blocks at the edges are smaller', (t) => {
  const [rows, cols] = [5, 24];
  const codes = Uint8Array.from({ length: rows * cols }, (_, i) => (i * 7) % 0x7f);
  const read = (scale: [string, number[], ArrayBufferView], block: [number, number] | null) => [
    ...readVector(
      unpackedLayer(fp8('.weight_scale_inv', block), {
        weight: ['F8_E4M3', [rows, cols], codes],
        weight_scale_inv: scale,
        input_scale: ['F32', [], Float32Array.of(7)],
      }),
    ),
  ];
  const expected = (scaleOf: (row: number, col: number) => number) =>
    Array.from(codes, (code, i) => e4m3[code] * scaleOf(Math.floor(i / cols), i % cols));
  const blocks = Float32Array.of(1, 2, 4, 0.5, 0.25, 8);
  t.strictSame(
    read(['F32', [2, 3], blocks], [3, 10]),
    expected((row, col) => blocks[3 * Math.floor(row / 3) + Math.floor(col / 10)]),
  );
  const powers = Uint8Array.of(127, 128, 129, 126, 125, 130);
  t.strictSame(
    read(['F8_E8M0', [2, 3], powers], [3, 10]),
    expected((row, col) => blocks[3 * Math.floor(row / 3) + Math.floor(col / 10)]),
    'scales that are powers of two',
  );
  t.strictSame(
    read(['F32', [rows, 1], Float32Array.of(1, 2, 4, 8, 16)], null),
    expected((row) => 2 ** row),
  );
  t.strictSame(
    read(['F32', [], Float32Array.of(2)], null),
    expected(() => 2),
  );
  t.throws(() => read(['F32', [2, 2], Float32Array.of(1, 2, 4, 8)], [3, 10]), {
    message: /a\.weight_scale_inv is \[2, 2\], which are no scales of a weight \[5, 24\] in blocks of \[3, 10\]/,
  });
  t.throws(() => read(['F32', [2, 3], blocks], null), { message: /are no scales of a weight \[5, 24\]$/ });
  t.throws(() => read(['F32', [rows, 5], new Float32Array(25)], null), {
    message: /is \[5, 5\], which are no scales of a weight \[5, 24\]$/,
  });
  codes[3] = 0x7f;
  t.throws(() => read(['F32', [], Float32Array.of(2)], null), { message: /a weight or its scale is not finite/ });
  t.throws(() => unpackedLayer(fp8('.weight_scale', null), { weight: ['F8_E4M3', [rows, cols], codes] }), {
    message: /tensor a\.weight_scale is missing beside a\.weight/,
  });
  t.end();
});

t.test('compressed-tensors: words that are padded, zero points, act-order', (t) => {
  const packing = compressedTensors(null);
  // Two rows of 40 columns in four bits; codes are 8 above the value.
  const weight = Array.from({ length: 80 }, (_, i) => ((i * 5) % 16) - 8);
  const words = Uint32Array.from({ length: 10 }, (_, word) =>
    weight.slice(word * 8, word * 8 + 8).reduce((n, value, i) => n + (value + 8) * 16 ** i, 0),
  );
  const parts = {
    weight_packed: ['I32', [2, 5], words],
    weight_shape: ['I64', [2], BigInt64Array.of(2n, 40n)],
    weight_scale: ['F32', [2, 5], Float32Array.of(1, 2, 4, 8, 16, 1, 2, 4, 8, 16)],
  } satisfies Record<string, [string, number[], ArrayBufferView]>;
  const symmetric = unpackedLayer(packing, parts);
  t.strictSame([symmetric.name, symmetric.shape, symmetric.dtype], ['a.weight', [2, 40], 'INT4']);
  t.strictSame(
    [...readVector(symmetric)],
    weight.map((value, i) => value * 2 ** Math.floor((i % 40) / 8)),
  );

  const zeros: [string, number[], ArrayBufferView] = ['I32', [1, 5], Uint32Array.of(0x98, 0x87, 0x88, 0x8f, 0x80)];
  const [first, second] = [
    [0, -1, 0, 7, -8],
    [1, 0, 0, 0, 0],
  ];
  const zeroOf = (row: number, group: number) => [first, second][row][group];
  t.strictSame(
    [...readVector(unpackedLayer(packing, { ...parts, weight_zero_point: zeros }))],
    weight.map((value, i) => {
      const group = Math.floor((i % 40) / 8);
      return (value - zeroOf(Math.floor(i / 40), group)) * 2 ** group;
    }),
  );
  const order = Int32Array.from({ length: 40 }, (_, i) => i % 5);
  t.strictSame(
    [...readVector(unpackedLayer(packing, { ...parts, weight_g_idx: ['I32', [40], order] }))],
    weight.map((value, i) => value * 2 ** (i % 5)),
  );
  t.throws(() => unpackedLayer(packing, { ...parts, weight_shape: ['I64', [2], BigInt64Array.of(2n, 64n)] }), {
    message: /a\.weight_packed is \[2, 5\], which holds a weight \[2, 64\] neither in 4 nor in 8 bits/,
  });
  t.end();
});

t.test('compressed-tensors: int8 with zero points', (t) => {
  const layer = unpackedLayer(compressedTensors(null), {
    weight: ['I8', [2, 32], Int8Array.from({ length: 64 }, (_, i) => (i % 2 ? i : -i))],
    weight_scale: ['BF16', [2, 2], Uint16Array.of(0x3f80, 0x4000, 0x4080, 0x3f00)], // 1, 2, 4, 0.5
    weight_zero_point: ['I8', [2, 2], Int8Array.of(3, -5, -128, 127)],
    input_scale: ['F32', [1], Float32Array.of(1)],
  });
  t.strictSame([layer.dtype, layer.source().format, layer.source().groupSize], ['INT8', 'int8', 16]);
  const [scale, zero] = [
    [1, 2, 4, 0.5],
    [3, -5, -128, 127],
  ];
  t.strictSame(
    [...readVector(layer)],
    Array.from({ length: 64 }, (_, i) => ((i % 2 ? i : -i) - zero[i >> 4]) * scale[i >> 4]),
  );
  t.end();
});

t.test('torchao: layouts that are not plain are refused by their name', (t) => {
  const parts: Record<string, [string, number[], ArrayBufferView]> = {
    _weight_qdata: ['I8', [1, 8], Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    _weight_scale: ['F32', [1, 1], Float32Array.of(2)],
  };
  const read = (type: string, other: typeof parts = {}) => [
    ...readVector(
      unpackedLayer(torchao, { ...parts, ...other }, { 'a.weight': JSON.stringify({ _type: type, _data: {} }) }),
    ),
  ];
  t.strictSame(read('Int8Tensor'), [2, 4, 6, 8, 10, 12, 14, 16]);
  t.throws(() => read('Int4TilePackedTo4dTensor'), {
    code: 'unsupported_model',
    message: /__metadata__\.a\.weight\._type "Int4TilePackedTo4dTensor" is not supported; supported: Int8Tensor, /,
  });
  t.throws(() => read('Float8Tensor'), { message: /a\._weight_qdata is I8; F8_E4M3 is expected/ });
  const scaled: typeof parts = { _weight_act_pre_scale: ['F32', [8], new Float32Array(8)] };
  t.throws(() => read('Int8Tensor', scaled), { message: /a\._weight_act_pre_scale "Int8Tensor" is not supported/ });
  t.throws(() => unpackedLayer(torchao, parts), {
    message: /__metadata__\.a\.weight: _type: is missing|_type: is missing/,
  });
  t.end();
});

t.test('bitsandbytes: blocks that are longer than a row, and what is wrong with them', (t) => {
  const values = Float32Array.from({ length: 16 }, (_, i) => i - 8);
  const state = (keys: object): [string, number[], ArrayBufferView] => {
    const bytes = Buffer.from(JSON.stringify(keys));
    return ['U8', [bytes.length], bytes];
  };
  const parts = {
    weight: ['U8', [32, 1], Uint8Array.from({ length: 32 }, (_, i) => i * 8)],
    'weight.absmax': ['F32', [2], Float32Array.of(1, 2)],
    'weight.quant_map': ['F32', [16], values],
  } satisfies Record<string, [string, number[], ArrayBufferView]>;
  const read = (keys: object, other: Record<string, [string, number[], ArrayBufferView]> = {}) => [
    ...readVector(
      unpackedLayer(bitsandbytes, { ...parts, ...other, 'weight.quant_state.bitsandbytes__fp4': state(keys) }),
    ),
  ];
  t.strictSame(
    read({ blocksize: 32, shape: [4, 16] }),
    Array.from({ length: 64 }, (_, i) => {
      const byte = (i >> 1) * 8;
      return values[i % 2 === 0 ? byte >> 4 : byte & 15] * (i < 32 ? 1 : 2);
    }),
    'the high nibble comes first',
  );
  t.throws(() => read({ blocksize: 24, shape: [4, 16] }), {
    message: /rows of 16 columns do not begin where blocks of 24 do/,
  });
  t.throws(() => read({ blocksize: 32, shape: [4, 32] }), { message: /a\.weight has 32 bytes; \[4, 32\] takes 64/ });
  t.throws(() => read({ shape: [4, 16] }), { message: /quant_state\.bitsandbytes__fp4\).*blocksize: is missing/ });
  const nested: [string, number[], ArrayBufferView] = ['F32', [1], Float32Array.of(1)];
  t.throws(() => read({ blocksize: 32, shape: [4, 16] }, { 'weight.nested_absmax': nested }), {
    message: /nested_blocksize: is missing/,
  });
  const rows: Record<string, [string, number[], ArrayBufferView]> = {
    weight: ['I8', [1, 8], Int8Array.of(-127, -1, 0, 1, 2, 3, 4, 127)],
    SCB: ['F32', [1], Float32Array.of(254)],
    weight_format: ['U8', [], Uint8Array.of(0)],
  };
  t.strictSame([...readVector(unpackedLayer(bitsandbytes, rows))], [-254, -2, 0, 2, 4, 6, 8, 254]);
  t.throws(() => unpackedLayer(bitsandbytes, { ...rows, weight_format: ['U8', [], Uint8Array.of(1)] }), {
    message: /a\.weight_format is 1; only rows \(0\) are read/,
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
  for (const quant_method of ['quanto', 'quark', 'hqq'])
    refuses(
      'llama-tied',
      { quant_method },
      'unsupported_model',
      new RegExp(
        `config.json: quantization_config.quant_method "${quant_method}" is not supported; supported: awq, gptq, compressed-tensors, fp8, fbgemm_fp8, bitsandbytes, torchao, mxfp4; or use the float checkpoint`,
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
  refuses(
    'llama-fp8',
    { fmt: 'e5m2' },
    'unsupported_model',
    /quantization_config\.fmt "e5m2" is not supported; supported: e4m3/,
  );
  refuses(
    'llama-fp8',
    { weight_block_size: [32, 16] },
    'model_not_readable',
    /no scales of a weight .* in blocks of \[32, 16\]/,
  );
  const groups = (weights: object) => ({ config_groups: { group_0: { weights } } });
  for (const [change, message] of [
    [{ format: 'marlin-24' }, /format "marlin-24" is not supported; supported: pack-quantized, int-quantized, /],
    [groups({ num_bits: 2 }), /config_groups\.group_0\.weights\.num_bits 2 is not supported; supported: 4, 8/],
    [groups({ type: 'float', num_bits: 4 }), /weights\.num_bits 4 is not supported; supported: 8/],
    [groups({ strategy: 'tensor_group' }), /weights\.strategy "tensor_group" is not supported/],
    [
      { sparsity_config: { format: 'sparse-24-bitmask' } },
      /sparsity_config\.format "sparse-24-bitmask" is not supported/,
    ],
    [{ transform_config: { R1: {} } }, /transform_config .* is not supported/],
  ] as const)
    refuses('llama-compressed-int4', change, 'unsupported_model', message);
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
