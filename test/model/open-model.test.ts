/** Opening models and planning their weights: what is there, what is missing, what it costs. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import type { AdapterFacts } from '../../src/engine/running/adapter-facts.ts';
import { planEngine } from '../../src/engine/running/plan-engine.ts';
import { measureStep, planBytes } from '../../src/model/weights/memory-plan.ts';
import { readGguf } from '../../src/model/files/gguf.ts';
import { ModelFile } from '../../src/model/files/model-file.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { readVector, type StoredTensor } from '../../src/model/files/stored-tensor.ts';
import { planWeights } from '../../src/model/weights/weight-plan.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { GgufBuilder, splitGguf } from '../helpers/gguf-builder.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const temp = tempDir(t);

/** A fresh copy of a fixture that a test may spoil. */
function copyOf(name: string): string {
  const directory = join(temp, 'copy');
  rmSync(directory, { recursive: true, force: true });
  cpSync(fixturePath(name), directory, { recursive: true });
  return directory;
}

function edit(path: string, change: (json: Record<string, never>) => unknown): void {
  const json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, never>;
  change(json);
  writeFileSync(path, JSON.stringify(json));
}

/** Opens and plans, as a server does before it serves. */
function plan(path: string): void {
  const model = openModel(path);
  try {
    planWeights(model, 'stored');
  } finally {
    model.close();
  }
}

t.test('what is wrong with a path is said', (t) => {
  const fails = (path: string, message: RegExp, code = 'model_not_readable') =>
    t.throws(() => plan(path), { code, message }, String(message));
  fails(join(temp, 'nowhere'), /nowhere: no such file or directory/);
  const empty = join(temp, 'empty');
  mkdirSync(empty);
  fails(empty, /holds none of model.safetensors, model.safetensors.index.json and \*\.gguf/);
  writeFileSync(join(empty, 'pytorch_model.bin'), '');
  fails(
    empty,
    /holds pytorch_model.bin but no safetensors; convert it .*: cd '.*empty' && python -c "import glob, torch; /,
  );
  writeFileSync(join(empty, 'model.safetensors'), '');
  fails(empty, /config.json: no such file/);
  fails(join(empty, 'model.safetensors'), /neither a directory nor a .gguf file/);
  writeFileSync(join(empty, 'a.gguf'), '');
  writeFileSync(join(empty, '.a.gguf.verified'), '');
  fails(empty, /holds more than one model \(model.safetensors, a.gguf\)/);
  writeFileSync(join(empty, 'config.json'), '{"model_type":');
  rmSync(join(empty, 'a.gguf'));
  fails(empty, /config.json: is not valid JSON/);
  writeFileSync(join(empty, 'config.json'), '{"model_type":"rwkv"}');
  fails(empty, /config.json: model_type "rwkv" is not supported; supported: llama, qwen2, /, 'unsupported_model');
  t.end();
});

t.test('a directory with nothing but one .gguf stands for it', (t) => {
  const directory = join(temp, 'one-gguf');
  mkdirSync(directory);
  copyFileSync(fixturePath('qwen2-gguf'), join(directory, 'Tiny.GGUF'));
  const model = openModel(directory);
  t.match(model, { format: 'gguf', name: 'Tiny', config: { modelType: 'qwen2' } });
  t.equal(model.metadata?.get('general.architecture'), 'qwen2');
  model.close();
  t.end();
});

t.test('unsupported GGUF files', (t) => {
  const path = join(temp, 'bad.gguf');
  const fails = (builder: GgufBuilder, message: RegExp) => {
    writeFileSync(path, builder.build());
    t.throws(() => plan(path), { message }, String(message));
  };
  const decoder = (name: string) =>
    new GgufBuilder()
      .string('general.architecture', name)
      .u32(`${name}.block_count`, 1)
      .u32(`${name}.context_length`, 64)
      .u32(`${name}.embedding_length`, 64)
      .u32(`${name}.feed_forward_length`, 64)
      .u32(`${name}.attention.head_count`, 4);
  const llama = () => decoder('llama');
  const epsilon = (b: GgufBuilder) => b.u32('llama.attention.layer_norm_rms_epsilon', 1);
  fails(new GgufBuilder(), /general.architecture undefined is not supported; supported: llama, qwen2/);
  fails(new GgufBuilder().string('general.architecture', 'bert'), /general.architecture "bert"/);
  fails(llama(), /llama.attention.layer_norm_rms_epsilon: is missing/);
  fails(epsilon(llama()), /neither llama.vocab_size nor token_embd.weight/);
  fails(epsilon(llama()).u32('llama.expert_count', 8), /llama.expert_used_count: is missing/);
  const qwen2 = decoder('qwen2').u32('qwen2.attention.layer_norm_rms_epsilon', 1).u32('qwen2.expert_count', 8);
  fails(qwen2, /qwen2.expert_count 8 is not supported; supported: 0, no experts/);
  fails(epsilon(llama()).u32('llama.rope.dimension_count', 8), /llama.rope.dimension_count 8 is not supported/);
  fails(epsilon(llama()).u32('llama.vocab_size', 9), /tensor model.embed_tokens.weight is missing/);
  const longrope = epsilon(llama()).u32('llama.vocab_size', 9).string('llama.rope.scaling.type', 'longrope');
  fails(longrope, /llama.rope.scaling.type "longrope" is not supported; supported: none, linear, yarn/);
  t.end();
});

t.test('a split GGUF file is the model that it was', (t) => {
  const whole = openModel(fixturePath('qwen2-gguf'));
  const original = readFileSync(whole.path);
  const file = new ModelFile(whole.path);
  const gguf = readGguf(file);
  file.close();
  const directory = join(temp, 'split');
  const part = (i: number) => join(directory, `Tiny-0000${i}-of-00003.gguf`);
  /** gguf-split may put no tensor into the first part. */
  const write = (perPart = [0, 7, gguf.tensors.length - 7]) => {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    splitGguf(original, gguf, perPart).forEach((bytes, i) => writeFileSync(part(i + 1), bytes));
  };
  const values = (tensor: StoredTensor) => [...readVector(tensor)];
  write();
  for (const path of [directory, part(1), part(2), part(3)]) {
    const model = openModel(path);
    t.match(model, { path: part(1), name: 'Tiny', format: 'gguf', config: whole.config });
    for (const [key, value] of whole.metadata ?? []) t.strictSame(model.metadata?.get(key), value, key);
    t.strictSame([...model.tensors.keys()], [...whole.tensors.keys()]);
    for (const [name, tensor] of model.tensors)
      t.strictSame(values(tensor), values(whole.tensors.get(name) as StoredTensor), name);
    t.equal(
      model.fileBytes,
      [1, 2, 3].reduce((n, i) => n + statSync(part(i)).size, 0),
    );
    t.strictSame(planBytes(planWeights(model, 'stored')), planBytes(planWeights(whole, 'stored')));
    model.close();
  }
  whole.close();

  const fails = (message: RegExp, path = directory) =>
    t.throws(() => plan(path), { code: 'model_not_readable', message }, String(message));
  copyFileSync(fixturePath('qwen2-gguf'), join(directory, 'other.gguf'));
  fails(/holds more than one model \(Tiny-00001-of-00003.gguf, other.gguf\)/);
  rmSync(join(directory, 'other.gguf'));
  rmSync(part(3));
  fails(/Tiny-00003-of-00003.gguf: no such file: it is part 3 of 3 of the model/);
  rmSync(part(1));
  fails(/Tiny-00001-of-00003.gguf: no such file: it is part 1 of 3/);
  renameSync(part(2), join(directory, 'renamed.gguf'));
  fails(/renamed.gguf: split.count is 3, but the file is not named NAME-00001-of-00003.gguf/);
  write();
  renameSync(part(2), part(9));
  fails(/there is no part 9 of 3/, part(9));
  write();
  copyFileSync(part(2), part(3));
  fails(/00003-of-00003.gguf: split.no is 1; 2 was expected/);
  write();
  copyFileSync(fixturePath('qwen2-gguf'), part(2));
  fails(/00002-of-00003.gguf: split.no is undefined; 1 was expected/);
  write([0, 7, gguf.tensors.length - 8]);
  fails(
    new RegExp(`split.tensors.count is ${gguf.tensors.length}, but the parts hold ${gguf.tensors.length - 1} tensors`),
  );
  write();
  writeFileSync(part(3), splitGguf(original, gguf, [0, 0, 7])[2]);
  fails(/00003-of-00003.gguf: tensor token_embd.weight is in another part too/);
  writeFileSync(part(1), new GgufBuilder().string('split.count', 'three').build());
  fails(/00001-of-00003.gguf: metadata split.count is not a count/);
  t.end();
});

t.test('missing, mis-shaped and unknown tensors are named', (t) => {
  const change = (key: string, value: unknown) => {
    const directory = copyOf('llama-tied');
    edit(join(directory, 'config.json'), (json) => Object.assign(json, { [key]: value }));
    return directory;
  };
  const fails = (path: string, message: RegExp) =>
    t.throws(() => plan(path), { code: 'model_not_readable', message }, String(message));
  fails(change('num_hidden_layers', 3), /copy: tensor model.layers.2.input_layernorm.weight is missing; .* \[64\]/);
  fails(change('num_hidden_layers', 2 ** 31 - 1), /config.json: num_hidden_layers: Too big/);
  fails(change('num_hidden_layers', 1), /no place for model.layers.1.* and 4 more/);
  fails(change('intermediate_size', 97), /gate_proj.weight is \[96, 64\]; the config asks for \[97, 64\]/);
  fails(change('vocab_size', 308), /embed_tokens.weight is \[307, 64\]; the config asks for \[308, 64\]/);
  fails(change('tie_word_embeddings', false), /lm_head.weight is missing/);
  fails(change('attention_bias', true), /self_attn.q_proj.bias is missing/);
  fails(change('model_type', 'qwen2'), /self_attn.q_proj.bias is missing/);
  t.end();
});

t.test('shards and their index must agree', (t) => {
  const index = 'model.safetensors.index.json';
  const fails = (spoil: (directory: string) => void, message: RegExp) => {
    const directory = copyOf('llama-biases-llama3');
    spoil(directory);
    t.throws(() => plan(directory), { code: 'model_not_readable', message }, String(message));
  };
  const spoilMap = (change: (map: Record<string, string>) => void) => (directory: string) =>
    edit(join(directory, index), (json) => change(json.weight_map));
  const shard = 'model-00002-of-00003.safetensors';
  fails((d) => rmSync(join(d, shard)), /00002-of-00003.safetensors: no such file/);
  fails(
    spoilMap((map) => (map.extra = shard)),
    /index.json: tensor extra should be in .* but is not/,
  );
  fails(
    spoilMap((map) => delete map['model.norm.weight']),
    /tensor model.norm.weight is here but the index puts it in no file/,
  );
  fails(
    spoilMap((map) => (map['model.norm.weight'] = '../../etc/passwd')),
    /"..\/..\/etc\/passwd" is not a file name/,
  );
  fails((d) => edit(join(d, index), (json) => delete json.weight_map), /index.json: weight_map: is missing/);
  fails(
    (d) => writeFileSync(join(d, shard), readFileSync(join(d, shard)).subarray(0, -10)),
    /ends at byte .* of the data/,
  );
  t.end();
});

t.test('loading reports its progress and reads every weight once', async (t) => {
  const model = openModel(fixturePath('llama-gguf-mixed'));
  const expected = planBytes(planWeights(model, 'stored'));
  const seen: [number, number][] = [];
  const ops = new ReferenceOps();
  await loadModel(ops, model, { quant: 'stored', maxLength: 8, onProgress: (done, total) => seen.push([done, total]) });
  model.close();
  t.ok(seen.every(([done, total], i) => total === expected.total && done >= (seen[i - 1]?.[0] ?? 0) && done <= total));
  t.equal(seen.at(-1)?.[0], expected.total);
});

t.test('windowed layers get slots for the windows of the running requests, and no more', (t) => {
  const model = openModel(fixturePath('gemma3'));
  const adapter: AdapterFacts = {
    kernelSet: 'gpu',
    maxBinding: 1e9,
    memory: { bytes: 1e9, source: 'test' },
  };
  const config = { ...defaultEngineConfig, runningMaxReqSize: 2, batchMaxTokens: 16, kvCacheDtype: 'f16' } as const;
  const { kv, window, memory } = planEngine(model, { ...config, maxTotalTokenNum: 200 }, adapter);
  t.strictSame(kv.groups, [
    { slots: 200, window: null },
    { slots: 2 * 9 + 16, window: 9 },
  ]);
  t.strictSame(window, { window: 9, slots: 34 });
  // Keys and values of one head of 16 in f16: one layer of six sees everything.
  t.equal(memory.kvCache, 2 * 16 * 2 * (200 + 5 * 34));
  t.strictSame(planEngine(model, { ...config, maxTotalTokenNum: 20 }, adapter).window, { window: 9, slots: 20 });
  model.close();
  const only = openModel(fixturePath('mistral-window'));
  t.equal(planEngine(only, { ...config, maxTotalTokenNum: 200 }, adapter).kv.groups.length, 1);
  only.close();
  t.end();
});

t.test('activations are those that the layers make', (t) => {
  const model = openModel(fixturePath('llama-gguf-mixed'));
  const weights = planWeights(model, 'none');
  const measure = (tokens: number, logits: number, activations: 'f32' | 'int8' = 'f32') =>
    measureStep(model, weights, { tokens, logits, activations });
  // Hidden 256, 4 heads and 2 KV heads of 64, intermediate 256, vocabulary 307. Alive at the same time are at most the
  // stream, what an op reads and what it makes: qkv and gate with up are 512 wide, all else is 256. Behind the layers the
  // stream stays; rows, norm, logits, their changed copy, counts, candidates and ids come, in buffers of powers of two.
  const layers = 4 * 64 * (3 * 256 + 512);
  t.equal(measure(64, 1).step, layers + 2 * 1024 + 3 * 2048 + 4096 + 256);
  t.equal(measure(1, 64).step, 3 * 1024 + 2048 + 2 * 65536 + 3 * 131072 + 262144 + 256);
  t.equal(measure(64, 1, 'int8').step, measure(64, 1).step, 'float weights');
  t.equal(measure(1, 1).tablesPerPosition, 64 * 4);
  model.close();
  t.end();
});

t.test('memory plan', (t) => {
  const model = openModel(fixturePath('llama-gguf-mixed'));
  const bytes = (quant: 'stored' | 'none' | 'int8' | 'int4') => planBytes(planWeights(model, quant));
  // [307 + 307 vocabulary rows + 2 × (256 + 128 + 128 + 256 + 3 × 256)] × 256 and 5 norms of 256
  const weights = (614 + 2 * 1536) * 256;
  t.equal(bytes('none').parameters, weights + 5 * 256);
  t.strictSame([...bytes('int8').byFormat.keys()], ['int8']);
  t.strictSame([...bytes('int4').byFormat.keys()].sort(), ['int4', 'int8'], 'embedding and head stay at eight bits');
  t.equal(bytes('int4').byFormat.get('int4'), 2 * 1536 * 256 * (0.5 + 4 / 32));
  // Layer 0: [Q4_K; Q4_K; Q6_K] becomes int8 in groups of 16. Layer 1: a float among integers makes f32.
  t.strictSame([...bytes('stored').byFormat.keys()].sort(), ['bf16', 'f32', 'int4', 'int8']);
  const adapter: AdapterFacts = {
    kernelSet: 'gpu',
    maxBinding: 1e9,
    memory: { bytes: 1e8, source: 'test' },
  };
  const of = (changes: Partial<EngineConfig>, facts = adapter) =>
    planEngine(model, { ...defaultEngineConfig, kvCacheDtype: 'f16', ...changes }, facts);
  const kvPerToken = 2 * 2 * 2 * 64 * 2;
  const fixed = of({ maxTotalTokenNum: 500 });
  t.equal(fixed.memory.kvCache, 500 * kvPerToken);
  t.equal(fixed.memory.weights, bytes('stored').total);
  const derived = of({ memFraction: 0.5, runningMaxReqSize: 100 });
  const { weights: w, step } = derived.memory;
  const { maxTotalTokenNum: slots } = derived;
  // A row of the rotary table, and an entry of 100 requests' slot and token tables.
  const perSlot = kvPerToken + 256 + 2 * 4 * 100;
  t.ok(slots * perSlot + w + step <= 5e7, 'all that a slot takes');
  t.ok((slots + 1) * perSlot + w + step > 5e7, 'and no slot less than that');
  const one = { runningMaxReqSize: 1, batchMaxTokens: 1 };
  t.equal(of(one, { ...adapter, maxBinding: 64 * 2 * 2 * 101 }).maxTotalTokenNum, 100, 'the sink takes a slot too');
  t.throws(() => of({}, { ...adapter, memory: { bytes: 1e6, source: 'test' } }), {
    code: 'out_of_memory',
    param: 'mem_fraction',
  });
  model.close();
  t.end();
});
