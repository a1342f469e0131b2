/** Files of adapters: what is read of them, and what is refused by name. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { record } from '../../src/kernels/program/recording.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import { adapterRank, readAdapter } from '../../src/model/lora/adapter.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { modelParts } from '../../src/model/weights/model-parts.ts';
import { adaptedLinears, loraShape, mapLeaves, outRows, type LeafSpec } from '../../src/model/weights/spec.ts';
import { f16ToF32 } from '../../src/tensor/f16.ts';
import { merged } from '../../src/model/lora/merge.ts';
import { dequantizeRows, readAllRows } from '../../src/tensor/rows.ts';
import { randomMatrix } from '../helpers/matrices.ts';
import { emptyBatch } from '../helpers/batches.ts';
import { fixturePath, tiny } from '../helpers/model-exam.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const adapters = fileURLToPath(new URL('../fixtures/adapters/llama-tied/', import.meta.url));
const opened = openModel(fixturePath('llama-tied'));
const model = { architecture: opened.architecture, config: opened.config };
opened.close();

t.test('ranks, scales and layers', async (t) => {
  const { rank, layers } = await readAdapter(`${adapters}patterns`, model);
  t.equal(rank, 32);
  t.equal(adapterRank(`${adapters}patterns`, model), 32);
  const [q, k, v] = layers.get([...layers.keys()].find((name) => name.includes('0.self_attn.q_proj'))!)!;
  t.same([q?.rank, k?.rank, v?.rank], [9, 16, 16]);
  const others = await readAdapter(`${adapters}mlp-4/adapter_model.safetensors`, model);
  t.same(
    [...others.layers.keys()].filter((name) => name.includes('self_attn')),
    [],
    'of the MLP alone',
  );
});

t.test('the GGUF file that llama.cpp’s converter makes is the same adapter', async (t) => {
  const [peft, gguf] = await Promise.all(
    [`${adapters}all-8`, `${adapters}all-8.gguf`].map((p) => readAdapter(p, model)),
  );
  t.same([...gguf.layers.keys()], [...peft.layers.keys()]);
  const values = (bits: Uint16Array) => [...bits].map(f16ToF32);
  for (const [name, parts] of peft.layers) {
    const same = gguf.layers.get(name)!;
    for (const [i, part] of parts.entries()) {
      t.equal(same[i]?.scale, part?.scale, name);
      t.same(values(same[i]!.b), values(part!.b), `${name}: B`);
    }
  }
});

/** A copy of an adapter with other keys in its config. */
function changed(t: Test, keys: Record<string, unknown>, from = 'all-8'): string {
  const directory = tempDir(t);
  copyFileSync(`${adapters}${from}/adapter_model.safetensors`, `${directory}/adapter_model.safetensors`);
  const config = JSON.parse(readFileSync(`${adapters}${from}/adapter_config.json`, 'utf8')) as object;
  writeFileSync(`${directory}/adapter_config.json`, JSON.stringify({ ...config, ...keys }));
  return directory;
}

t.test('what is not computed is refused by key', async (t) => {
  for (const [key, value] of [
    ['use_dora', true],
    ['modules_to_save', ['lm_head']],
    ['bias', 'all'],
    ['peft_type', 'LOHA'],
    ['lora_bias', true],
    ['layer_replication', [[0, 1]]],
    ['alora_invocation_tokens', [1, 2]],
    ['init_lora_weights', 'pissa'],
    ['a_key_of_the_future', { turned: 'on' }],
    ['rank_pattern', { '(a+)+$': 8 }],
  ] as const) {
    const refused = readAdapter(changed(t, { [key]: value }), model);
    await t.rejects(refused, { code: 'unsupported_model', message: new RegExp(key) }, key);
  }
  await t.rejects(readAdapter(changed(t, { r: 16 }), model), { message: /is of rank 8; adapter_config.json says 16/ });
  await t.rejects(readAdapter(`${adapters}nothing`, model), { code: 'model_not_readable', message: /no such file/ });
});

t.test('a config with nothing but what is needed, as older versions wrote it', async (t) => {
  const directory = changed(t, {});
  writeFileSync(`${directory}/adapter_config.json`, JSON.stringify({ peft_type: 'LORA', r: 8 }));
  t.equal((await readAdapter(directory, model)).rank, 8);
});

t.test('rslora and alpha', async (t) => {
  const scaleOf = async (keys: object) => {
    const { layers } = await readAdapter(changed(t, { ...keys }), model);
    return [...layers.values()][0][0]!.scale;
  };
  const plain = await scaleOf({ lora_alpha: 8 });
  t.equal(await scaleOf({ lora_alpha: 24 }), 3 * plain);
  const rs = await scaleOf({ lora_alpha: 8, use_rslora: true });
  t.ok(Math.abs(rs / plain - Math.sqrt(8)) < 1e-12);
});

t.test('layers that the model has not, or that take no adapters, are named', async (t) => {
  const file = (from: string, to: string): string => {
    const directory = changed(t, {});
    const bytes = readFileSync(`${directory}/adapter_model.safetensors`);
    writeFileSync(`${directory}/adapter_model.safetensors`, bytes.toString('latin1').replaceAll(from, to), 'latin1');
    return directory;
  };
  const other = readAdapter(file('layers.1.mlp', 'layers.7.mlp'), model);
  await t.rejects(other, { code: 'unsupported_model', message: /layers\.7\.mlp\.\w+, which is no linear layer/ });
  const strange = readAdapter(file('lora_A.weight', 'lora_C.weight'), model);
  await t.rejects(strange, { message: /lora_C\.weight is no part of an adapter/ });
  const larger = openModel(fixturePath('gemma'));
  const gemma = { architecture: larger.architecture, config: larger.config };
  larger.close();
  const wrong = openModel(fixturePath('phi'));
  await t.rejects(readAdapter(`${adapters}all-8`, { architecture: wrong.architecture, config: wrong.config }));
  wrong.close();
  await t.resolves(readAdapter(fileURLToPath(new URL('../gemma/all-8', `file://${adapters}`)), gemma));
});

t.test('every layer that takes adapters computes with them, in every architecture', (t) => {
  for (const name of tiny) {
    const checkpoint = openModel(fixturePath(name));
    const { architecture, config } = checkpoint;
    checkpoint.close();
    const linears = adaptedLinears(architecture.weights(config));
    const shape = (dims: readonly number[]) => ({ shape: dims, dtype: 'f32' as const, storage: null });
    const matrix = (rows: number, cols: number) => ({ name, rows, cols, format: 'f32' as const, storage: null });
    const weights = mapLeaves(architecture.weights(config), (leaf: LeafSpec) => {
      if (leaf.kind === 'vec') return shape([leaf.length]);
      if (leaf.kind === 'table') return matrix(leaf.rows, leaf.cols);
      if (leaf.kind === 'heads') {
        const { heads, count } = leaf.part;
        const [rows, cols] = leaf.transposed ? [leaf.storedCols, count] : [count, leaf.storedCols];
        return { ...matrix(heads * rows, cols), experts: heads };
      }
      if (leaf.kind === 'experts') {
        const rows = leaf.parts.reduce((n, part) => n + part.rows, 0);
        const all = { ...matrix(leaf.count * rows, leaf.cols), experts: leaf.count };
        return { weight: all, ...(leaf.fused.bias !== undefined && { bias: shape([leaf.count * rows]) }) };
      }
      const rows = leaf.parts.reduce((n, part) => n + outRows(part), 0);
      if (leaf.isRouter) return { weight: matrix(rows, leaf.cols), ...(leaf.bias && { bias: shape([rows]) }) };
      const lora = { ...loraShape(leaf), slots: 1, maxRank: 8, storage: null };
      return { weight: matrix(rows, leaf.cols), ...(leaf.bias && { bias: shape([rows]) }), lora };
    });
    const loaded = architecture.create(
      config,
      weights,
      modelParts(8, null, (_, dim) => shape([8, dim])),
    );
    const size = { dtype: 'f32', slots: 8, windowSlots: 8, maxRequests: 1, maxLength: 8 } as const;
    const spec = kvCacheSpec(loaded.caches, size);
    const kv = { spec, layers: spec.layers.map((layer) => ({ ...layer, storage: null })), storage: null };
    const batch = { ...emptyBatch(2), adapters: Uint32Array.of(0, 0) };
    const step = { numTokens: 2, numLogits: 0, batch, storage: null };
    const { nodes } = record(
      () => 'f32',
      (ops) => ({ x: loaded.layers(ops, step, kv) }),
      true,
    );
    const used = nodes.flatMap((node) => (node.op === 'addLora' ? [node.args[2].name] : []));
    t.same(used.sort(), linears.map((leaf) => loraShape(leaf).name).sort(), name);
    const without = record(
      () => 'f32',
      (ops) => ({ x: loaded.layers(ops, step, kv) }),
    ).nodes;
    t.notOk(
      without.some(({ op }) => op === 'addLora'),
      `${name}: nothing of it in a step without`,
    );
  }
  t.end();
});

t.test('merged into weights of each format', async (t) => {
  const { layers } = await readAdapter(`${adapters}all-8`, model);
  const [name, [, part]] = [...layers].find(([layer]) => layer.includes('up_proj'))!;
  const [rows, cols] = [part!.b.length / part!.rank, 64];
  for (const [format, quant, expected, bound] of [
    ['f32', 'stored', 'f32', 1e-6],
    ['f16', 'stored', 'f16', 2e-3],
    ['bf16', 'none', 'bf16', 2e-2],
    ['int4', 'stored', 'int8', 2e-2],
    ['int8', 'none', 'f32', 1e-6],
    ['f16', 'int4', 'f32', 1e-6],
  ] as const) {
    const { source, values } = randomMatrix(3, rows, cols, format);
    const sum = merged(source, part!, quant);
    t.equal(sum.format, expected, `${format} with --quant ${quant}, ${name}`);
    const found = dequantizeRows(readAllRows(sum), rows, cols, sum.groupSize);
    let worst = 0;
    for (let n = 0; n < rows; n++)
      for (let k = 0; k < cols; k++) {
        let wanted = values[n * cols + k];
        for (let r = 0; r < part!.rank; r++)
          wanted += part!.scale * f16ToF32(part!.b[n * part!.rank + r]) * f16ToF32(part!.a[r * cols + k]);
        worst = Math.max(worst, Math.abs(found[n * cols + k] - wanted));
      }
    t.ok(worst <= bound, `${format} with --quant ${quant}: within ${worst}`);
  }
});
