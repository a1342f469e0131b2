// How much memory a GPU is taken to have, and what an 8B model gets of it.
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { defaultEngineConfig, engineSettings, type EngineConfig } from '../../src/config.ts';
import type { AdapterFacts } from '../../src/engine/running/adapter-facts.ts';
import { planEngine } from '../../src/engine/running/plan-engine.ts';
import { chooseAdapter, namesIn } from '../../src/gpu/adapters.ts';
import '../../src/gpu/device.ts'; // WebGPU's constants
import { detectMemory, type AdapterName, type MemorySources } from '../../src/gpu/memory.ts';
import { probeMemory } from '../../src/gpu/probe-memory.ts';
import { checkHeadDim } from '../../src/kernels/kv-cache/cache-format.ts';
import { kvBytesPerToken } from '../../src/model/cache-plan.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const GIB = 2 ** 30;
const none: MemorySources = {
  nvidiaSmi: () => null,
  drm: '/nonexistent',
  platform: 'linux',
  hostTotal: 64 * GIB,
  hostFree: 40 * GIB,
};
const adapter = (vendor: string, device = '', description = ''): AdapterName => ({
  vendor,
  architecture: '',
  device,
  description,
});

t.test('what the drivers’ tools say', (t) => {
  const smi = 'NVIDIA GeForce RTX 4090, 24564\nNVIDIA H100 80GB HBM3, 81559\nNVIDIA H100 80GB HBM3, 81000\n';
  const nvidia = (device: string) => detectMemory(adapter('nvidia', device), { ...none, nvidiaSmi: () => smi });
  t.same(nvidia('NVIDIA GeForce RTX 4090'), { bytes: 24564 * 2 ** 20, source: 'nvidia-smi' });
  t.equal(nvidia('NVIDIA H100 80GB HBM3')?.bytes, 81000 * 2 ** 20, 'of two alike the smaller');
  t.equal(nvidia('hopper')?.bytes, 24564 * 2 ** 20, 'not named: the smallest of all');
  t.equal(detectMemory(adapter('nvidia', 'H100'), none), null, 'no tool, no answer');

  const drm = tempDir(t);
  const card = (name: string, vendor: string, files: Record<string, string>) => {
    mkdirSync(join(drm, name, 'device'), { recursive: true });
    writeFileSync(join(drm, name, 'device/vendor'), `${vendor}\n`);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(drm, name, file), `${text}\n`);
  };
  card('card0', '0x1002', { 'device/mem_info_vram_total': String(16 * GIB) });
  card('card0-DP-1', '0x1002', {});
  t.equal(detectMemory(adapter('amd', 'AMD Radeon RX 7800 XT'), { ...none, drm })?.bytes, 16 * GIB);
  t.equal(detectMemory(adapter('intel', 'UHD 770'), { ...none, drm })?.bytes, 32 * GIB, 'half of what is shared');
  card('card1', '0x8086', { lmem_total_bytes: String(12 * GIB) });
  t.equal(detectMemory(adapter('intel', 'Arc B580'), { ...none, drm })?.bytes, 12 * GIB);
  t.equal(detectMemory(adapter('apple', 'M3 Max'), { ...none, platform: 'darwin' })?.bytes, 64 * GIB * 0.7);
  t.equal(detectMemory(adapter('mesa', 'llvmpipe'), none)?.bytes, 40 * GIB, 'what the host has free');
  t.equal(detectMemory(adapter('qualcomm', 'Adreno'), none), null);
  t.end();
});

/** A device that has so much. */
function deviceOf(total: number, maxBufferSize = 4 * GIB) {
  let [used, refused, live] = [0, false, 0];
  return {
    device: {
      limits: { maxBufferSize } as GPUSupportedLimits,
      pushErrorScope: () => void (refused = false),
      popErrorScope: () => Promise.resolve(refused ? { message: 'out of memory' } : null),
      createBuffer: ({ size }: GPUBufferDescriptor): GPUBuffer => {
        refused = used + size > total;
        if (!refused) [used, live] = [used + size, live + 1];
        return { destroy: () => void live-- } as unknown as GPUBuffer;
      },
    } as Parameters<typeof probeMemory>[0],
    live: () => live,
  };
}

t.test('a device that nobody knows is tried', async (t) => {
  for (const gib of [4, 7.5, 24, 80]) {
    const { device, live } = deviceOf(gib * GIB);
    const { bytes } = await probeMemory(device);
    t.ok(bytes <= gib * GIB && bytes > gib * GIB - GIB / 8, `${bytes / GIB} of ${gib} GiB`);
    t.equal(live(), 0, 'all of it is given back');
  }
  t.equal((await probeMemory(deviceOf(1024 * GIB).device)).bytes, 256 * GIB, 'one that refuses nothing');
  t.equal((await probeMemory(deviceOf(GIB, GIB / 4).device)).bytes, GIB, 'small buffers only');
});

/** Llama 3.1 8B in bf16, without its weights: a file that is as long and takes no room. */
function eightBillion(directory: string): string {
  const [hidden, intermediate, vocabulary, layers] = [4096, 14336, 128256, 32];
  const config = {
    ...{ model_type: 'llama', architectures: ['LlamaForCausalLM'], torch_dtype: 'bfloat16', hidden_act: 'silu' },
    ...{ hidden_size: hidden, intermediate_size: intermediate, vocab_size: vocabulary, num_hidden_layers: layers },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, max_position_embeddings: 131072, rms_norm_eps: 1e-5 },
    ...{ rope_theta: 500000, tie_word_embeddings: false, bos_token_id: 1, eos_token_id: 2 },
  };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  const shapes: Record<string, number[]> = {
    'model.embed_tokens': [vocabulary, hidden],
    lm_head: [vocabulary, hidden],
  };
  shapes['model.norm'] = [hidden];
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    for (const norm of ['input_layernorm', 'post_attention_layernorm']) shapes[`${at}.${norm}`] = [hidden];
    for (const part of ['q_proj', 'o_proj']) shapes[`${at}.self_attn.${part}`] = [hidden, hidden];
    for (const part of ['k_proj', 'v_proj']) shapes[`${at}.self_attn.${part}`] = [1024, hidden];
    for (const part of ['gate_proj', 'up_proj']) shapes[`${at}.mlp.${part}`] = [intermediate, hidden];
    shapes[`${at}.mlp.down_proj`] = [hidden, intermediate];
  }
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const begin = end;
      end += 2 * shape.reduce((a, b) => a * b);
      return [`${name}.weight`, { dtype: 'BF16', shape, data_offsets: [begin, end] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(join(directory, 'model.safetensors'), 'w');
  writeSync(file, Buffer.concat([length, text]));
  ftruncateSync(file, 8 + text.length + end);
  closeSync(file);
  return directory;
}

t.test('an 8B model on cards of 4, 24 and 80 GiB, and on one that claims 1 TiB', (t) => {
  const model = openModel(eightBillion(tempDir(t)));
  const plan = (gib: number, changes: Partial<EngineConfig> = {}) => {
    const memory = { bytes: gib * GIB, source: 'nvidia-smi' };
    const facts: AdapterFacts = { kernelSet: 'gpu', maxBinding: 0x7ffffffc, memory };
    return planEngine(model, { ...defaultEngineConfig, ...changes }, facts);
  };
  const total = ({ memory }: ReturnType<typeof plan>) => memory.weights + memory.kvCache + memory.step;
  for (const gib of [24, 80, 1024]) {
    const planned = plan(gib);
    t.equal(planned.kvDtype, 'f16');
    t.ok(total(planned) <= 0.8 * gib * GIB, `${gib} GiB`);
  }
  t.ok(plan(24).maxTotalTokenNum > 20_000, 'room for contexts');
  t.ok(plan(80).maxTotalTokenNum > 300_000);
  const kilo = plan(1024).maxTotalTokenNum;
  t.ok(kilo > 1e6 && kilo * 8 * 128 * 2 <= 0x7ffffffc, 'keys of a layer fit a binding');
  t.throws(() => plan(16), {
    code: 'out_of_memory',
    message: /0\.8 of 17,180 MB \(nvidia-smi\); what helps: --quant int8 makes the weights 9,\d+ MB, .*--gpu_memory if/,
  });
  t.ok(plan(16, { quant: 'int8' }).maxTotalTokenNum > 20_000, 'it does help');
  t.throws(() => plan(4), { code: 'out_of_memory', message: /what helps: --gpu_memory if there is more/ });
  model.close();
  t.end();
});

t.test('what a token takes in each dtype of the cache, and how many tokens fit', (t) => {
  const model = openModel(eightBillion(tempDir(t)));
  const memory = { bytes: 24 * GIB, source: 'test' };
  const facts: AdapterFacts = { kernelSet: 'gpu', maxBinding: 0x7ffffffc, memory };
  const plan = (kvCacheDtype: EngineConfig['kvCacheDtype']) =>
    planEngine(model, { ...defaultEngineConfig, kvCacheDtype }, facts);
  // 32 layers with keys and values of 8 heads of 128: elements, an f16 scale and minimum for each 32 of 8 bits, two bytes for
  // each 8 of 4 bits. int4 has keys of 8 bits.
  const heads = 32 * 8;
  const int8 = 128 + 4 * 4;
  const bytes = { f32: 2 * 4 * 128, f16: 2 * 2 * 128, int8: 2 * int8, int4: int8 + 64 + 2 * 16 };
  for (const dtype of ['f32', 'f16', 'int8', 'int4'] as const) {
    const { kv, kvDtype, memory, maxTotalTokenNum } = plan(dtype);
    t.equal(kvDtype, dtype);
    t.equal(kvBytesPerToken(kv.layers), heads * bytes[dtype], dtype);
    t.equal(memory.kvCache, maxTotalTokenNum * heads * bytes[dtype]);
  }
  const tokens = (dtype: EngineConfig['kvCacheDtype']) => plan(dtype).maxTotalTokenNum;
  t.ok(tokens('int8') > 1.75 * tokens('f16') && tokens('int4') > 2.1 * tokens('f16'), 'the more tokens');
  t.equal(plan('auto').kvDtype, 'f16');
  model.close();
  t.end();
});

t.test('--device by number and by name', (t) => {
  const names = namesIn(
    "Error: no suitable backends found\nAvailable adapters:\n * backend: 'vulkan', name: 'NVIDIA H100'\n * backend: 'vulkan', name: 'llvmpipe (LLVM 15.0.6, 256 bits)'",
  );
  t.same(names, ['NVIDIA H100', 'llvmpipe (LLVM 15.0.6, 256 bits)']);
  t.equal(chooseAdapter('1', names), names[1]);
  t.equal(chooseAdapter('h100', names), names[0]);
  t.throws(() => chooseAdapter('2', names), {
    code: 'bad_flag',
    message: '--device 2: there is no such adapter; there are 0 (NVIDIA H100), 1 (llvmpipe (LLVM 15.0.6, 256 bits))',
  });
  t.end();
});

t.test('--kv_cache_dtype: names of other programs, those that are refused, and heads that do not fit', (t) => {
  const { parse } = engineSettings.kvCacheDtype;
  t.same(
    ['int8', 'int8kv', 'int4kv', 'float16', 'None'].map((name) => parse(name, '--kv_cache_dtype')),
    [...['int8', 'int8', 'int4', 'f16', 'auto']],
  );
  const refused = (name: string, message: RegExp) =>
    t.throws(() => parse(name, '--kv_cache_dtype'), { code: 'bad_flag', message }, name);
  refused('fp8', /expected one of auto, f32, f16, int8, int4 \(int8 takes as many bytes\), got "fp8"/);
  refused('q4_0', /\(int4 is like it\)/);
  refused('toString', /int4, got "toString"/);
  t.doesNotThrow(() => checkHeadDim('int8', 20));
  t.throws(() => checkHeadDim('int4', 20), {
    code: 'bad_flag',
    message: /heads of 20 are no multiple of 8; f32, f16, int8/,
  });
  t.throws(() => checkHeadDim('f16', 18), { code: 'unsupported_model', param: 'head_dim' });
  t.end();
});
