/** NaN and infinity in a checkpoint: found while it is read, in every format, and told by the tensor's name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { areFinite } from '../../src/model/weights/finite.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import type { HostRows } from '../../src/tensor/matrix.ts';
import { smallGguf, smallTensorNames, writeSmallModel } from '../helpers/small-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const root = tempDir(t);

/** Bits: exponents all but full, of either sign; and those that are no number. */
const samples = {
  f32: { bytes: 4, finite: [0, 0x7f7fffff, 0xff7fffff, 0x7f000000, 1], not: [0x7f800000, 0xff800000, 0x7fc00001] },
  f16: { bytes: 2, finite: [0, 0x7bff, 0xfbff, 0x7800, 1], not: [0x7c00, 0xfc00, 0x7e01] },
  bf16: { bytes: 2, finite: [0, 0x7f7f, 0xff7f, 0x7f00, 1], not: [0x7f80, 0xff80, 0x7fc1] },
};

t.test('one value among many, wherever it is', (t) => {
  for (const [format, { bytes, finite, not }] of Object.entries(samples)) {
    const rows = (values: readonly number[], offset: number): HostRows => {
      const data = Buffer.alloc(values.length * bytes + offset).subarray(offset);
      values.forEach((value, i) => data.writeUIntLE(value, i * bytes, bytes));
      return { format: format as 'f32', data };
    };
    const values = fc.array(fc.constantFrom(...finite), { minLength: 1, maxLength: 20 });
    const check = fc.property(values, fc.nat(), fc.constantFrom(...not), fc.nat(3), (array, at, bad, offset) => {
      const spoiled = array.with(at % array.length, bad);
      return areFinite(rows(array, offset)) && !areFinite(rows(spoiled, offset));
    });
    t.doesNotThrow(() => fc.assert(check, { numRuns: 300, seed: 5 }), format);
  }
  t.end();
});

async function spoiledTensors(path: string): Promise<string[]> {
  const model = openModel(path);
  const names: string[] = [];
  const onNonFinite = (name: string): void => void names.push(name);
  await loadModel(new ReferenceOps(), model, { quant: 'stored', maxLength: 8, onNonFinite });
  model.close();
  return names;
}

t.test('a checkpoint says which tensors', async (t) => {
  const directory = join(root, 'small');
  writeSmallModel(directory);
  t.same(await spoiledTensors(directory), []);
  const path = join(directory, 'model.safetensors');
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<string, { data_offsets: number[] }>;
  for (const name of smallTensorNames) {
    const [begin, end] = header[name].data_offsets;
    const spoiled = Buffer.from(bytes);
    spoiled.writeUInt16LE(0x7fc0, 8 + headerLength + 2 * Math.floor((begin + end) / 4));
    writeFileSync(path, spoiled);
    t.same(await spoiledTensors(directory), [name]);
  }
});

t.test('a GGUF file: floats are told, scales refused', async (t) => {
  const path = join(root, 'small.gguf');
  const { bytes, headerBytes } = smallGguf();
  // The norm comes last.
  const vector = Buffer.from(bytes);
  vector.writeFloatLE(Infinity, bytes.length - 8);
  writeFileSync(path, vector);
  t.same(await spoiledTensors(path), ['model.norm.weight']);
  // The embedding comes first: blocks of an f16 scale and 32 weights.
  const scale = Buffer.from(bytes);
  scale.writeUInt16LE(0x7e00, headerBytes + 34);
  writeFileSync(path, scale);
  await t.rejects(spoiledTensors(path), { code: 'model_not_readable', message: /token_embd\.weight: a Q8_0 scale/ });
});
