/** config.json of both generations and GGUF metadata → ModelConfig; rotary tables against transformers'. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { LlamaConfig } from '../../src/model/architectures/llama.ts';
import { jsonSource } from '../../src/model/config.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { qwen3Next } from '../../src/model/architectures/qwen3_next.ts';
import { architectureOf, ggufArchitectureOf } from '../../src/model/architectures/registry.ts';
import type { LatentDecoderConfig } from '../../src/model/layers/latent-decoder.ts';
import { inverseFrequencies, rotaryTable } from '../../src/model/layers/rope.ts';
import type { GgufBuilder } from '../helpers/gguf-builder.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { smallGguf } from '../helpers/small-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const minimal = {
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
};

function read(modelType: string, keys: object): LlamaConfig {
  const source = jsonSource({ ...minimal, ...keys }, 'config.json');
  return architectureOf(modelType, 'config.json').config(source) as LlamaConfig;
}

t.test('either name that transformers takes for a key', (t) => {
  const sizes = { hiddenSize: 64, numHiddenLayers: 4, numAttentionHeads: 4 };
  for (const type of ['gpt2', 'gptj', 'bloom']) t.match(read(type, { rotary_dim: 16 }), sizes, type);
  const { hidden_size: n_embed, ...published } = minimal;
  const bloom = architectureOf('bloom', 'config.json').config(jsonSource({ ...published, n_embed }, 'config.json'));
  t.match(bloom, sizes, 'as BLOOM was published');
  t.match(read('gpt2', { n_embd: 32, n_layer: 2 }), { hiddenSize: 32, numHiddenLayers: 2 }, 'its own name first');
  t.throws(() => architectureOf('gpt2', 'config.json').config(jsonSource({ vocab_size: 9 }, 'config.json')), {
    message: /n_positions: is missing/,
  });
  t.end();
});

t.test('defaults are those of transformers', (t) => {
  const llama = read('llama', {});
  t.match(llama, { numKeyValueHeads: 4, headDim: 16, tieWordEmbeddings: false });
  t.strictSame(llama.ropeParameters, { rope_type: 'default', rope_theta: 10000 });
  t.strictSame(llama.biases, { qkv: false, o: false, mlp: false });
  t.strictSame(read('mistral', {}).slidingWindows, [4096, 4096, 4096, 4096]);
  t.strictSame(read('mistral', { sliding_window: null }).slidingWindows, [null, null, null, null]);
  t.strictSame(read('qwen2', { sliding_window: 8 }).slidingWindows, [null, null, null, null], 'not used unless asked');
  const upper = { use_sliding_window: true, sliding_window: 8, max_window_layers: 3 };
  t.strictSame(read('qwen2', upper).slidingWindows, [null, null, null, 8]);
  const layer_types = ['sliding_attention', 'full_attention', 'full_attention', 'full_attention'];
  t.strictSame(read('qwen2', { ...upper, layer_types }).slidingWindows, [8, null, null, null]);
  t.strictSame(read('qwen2', {}).biases, { qkv: true, o: false, mlp: false });
  t.end();
});

t.test('both generations say the same', (t) => {
  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 512 };
  const older = read('llama', {
    rope_theta: 500000,
    rope_scaling: { ...llama3, rope_type: 'llama3' },
    torch_dtype: 'float16',
  });
  const newer = read('llama', {
    rope_parameters: { ...llama3, rope_type: 'llama3', rope_theta: 500000 },
    dtype: 'float16',
  });
  t.strictSame(older, newer);
  const oldest = read('llama', { rope_theta: 1e4, rope_scaling: { type: 'linear', factor: 2 } });
  t.strictSame(oldest.ropeParameters, { rope_type: 'linear', rope_theta: 1e4, factor: 2 });
  t.end();
});

t.test('YaRN lengthens the context of a config that does not count it', (t) => {
  const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 2048 };
  t.equal(read('qwen2', { rope_scaling: yarn }).maxPositionEmbeddings, 8192);
  t.equal(
    read('qwen2', { rope_scaling: { ...yarn, original_max_position_embeddings: 512 } }).maxPositionEmbeddings,
    2048,
  );
  t.end();
});

t.test('what is wrong is named, with file and key', (t) => {
  const cases: [object, string, RegExp][] = [
    [{ hidden_size: undefined }, 'model_not_readable', /^config.json: hidden_size: is missing$/],
    [{ hidden_size: '64' }, 'model_not_readable', /^config.json: hidden_size: expected number, received string/],
    [{ num_hidden_layers: 0 }, 'model_not_readable', /^config.json: num_hidden_layers: /],
    [{ num_attention_heads: 2.5 }, 'model_not_readable', /^config.json: num_attention_heads: /],
    [{ num_key_value_heads: 3 }, 'model_not_readable', /num_attention_heads \(4\) is not a multiple/],
    [{ attention_bias: 'yes' }, 'model_not_readable', /^config.json: attention_bias: /],
    [{ head_dim: 15 }, 'unsupported_model', /head_dim is 15/],
    [{ hidden_act: 'quick_gelu' }, 'unsupported_model', /hidden_act "quick_gelu" is not supported; supported: silu/],
    [
      { rope_scaling: { type: 'su', factor: 2 } },
      'unsupported_model',
      /rope_scaling.rope_type "su" is not supported; supported: default, linear, dynamic, llama3, yarn/,
    ],
    [
      { rope_parameters: { rope_type: 'linear' } },
      'model_not_readable',
      /^config.json: rope_parameters.factor: is missing/,
    ],
    [
      { rope_parameters: { full_attention: { rope_type: 'default' } } },
      'unsupported_model',
      /rope_parameters.full_attention/,
    ],
    [{ partial_rotary_factor: 0.5 }, 'unsupported_model', /partial_rotary_factor 0.5/],
  ];
  for (const [keys, code, message] of cases) t.throws(() => read('llama', keys), { code, message });
  t.throws(() => architectureOf('mamba', 'config.json'), {
    code: 'unsupported_model',
    message: /^config.json: model_type "mamba" is not supported; supported: llama, qwen2, /,
  });
  t.throws(() => read('qwen2', { layer_types: ['full_attention'] }), { message: /layer_types has 1 entries for 4/ });
  t.end();
});

t.test('which layers of Qwen3-Next attend, and what its delta nets need', (t) => {
  const next = (keys: object) => qwen3Next.config(jsonSource({ ...minimal, ...keys }, 'config.json'));
  const { attends, rotaryDim, experts } = next({});
  t.strictSame(attends, [false, false, false, true]);
  t.equal(rotaryDim, 64, 'a quarter of 256');
  t.match(experts, { count: 512, k: 10, size: 512, sharedSize: 512, normalizes: true });
  t.strictSame(next({ full_attention_interval: 2 }).attends, [false, true, false, true]);
  const layer_types = ['full_attention', 'linear_attention', 'linear_attention', 'linear_attention'];
  t.strictSame(next({ layer_types, full_attention_interval: 2 }).attends, [true, false, false, false]);
  t.throws(() => next({ layer_types: ['full_attention'] }), { message: /layer_types has 1 entries for 4/ });
  t.throws(() => next({ layer_types: ['chunked_attention'] }), { message: /^config.json: layer_types.0: / });
  t.throws(() => next({ linear_num_value_heads: 24 }), {
    code: 'model_not_readable',
    message: /linear_num_value_heads \(24\) is not a multiple of linear_num_key_heads \(16\)/,
  });
  t.throws(() => next({ linear_conv_kernel_dim: 1 }), { message: /linear_conv_kernel_dim/ });
  t.throws(() => next({ use_sliding_window: true }), { message: /use_sliding_window true is not supported/ });
  t.end();
});

const mla = { kv_lora_rank: 64, qk_nope_head_dim: 32, qk_rope_head_dim: 8, v_head_dim: 24 };

t.test('experts of DeepSeek and its like, where a config leaves them out', (t) => {
  const of = (type: string, keys = {}) => {
    const config = architectureOf(type, 'config.json').config(
      jsonSource({ ...minimal, ...mla, ...keys }, 'config.json'),
    );
    return config as LatentDecoderConfig;
  };
  const v3 = of('deepseek_v3');
  t.match(v3, { qLoraRank: null, isInterleaved: true, hasChoiceBias: true, isSparse: [false, false, false, true] });
  t.match(v3.experts, { count: 256, k: 8, sharedSize: 2048, scores: 'sigmoid', normalizes: true, scale: 2.5 });
  t.strictSame(v3.experts.groups, { count: 8, kept: 4, worth: 'topTwo' });
  t.strictSame(of('deepseek_v3', { first_k_dense_replace: null }).isSparse, [true, true, true, true]);
  t.strictSame(of('kimi_k2'), { ...v3, modelType: 'kimi_k2' }, 'Kimi K2 is V3 by another name');
  const v2 = of('deepseek_v2', { n_group: 8, topk_group: 3 });
  t.match(v2, { hasChoiceBias: false, isSparse: [true, true, true, true] });
  t.match(v2.experts, { count: 64, scores: 'softmax', normalizes: false, scale: 1, groups: null });
  const limited = of('deepseek_v2', { n_group: 8, topk_group: 3, topk_method: 'group_limited_greedy' });
  t.strictSame(limited.experts.groups, { count: 8, kept: 3, worth: 'max' });
  const flash = of('glm4_moe_lite');
  t.match(flash, { normEps: 1e-5, isSparse: [false, true, true, true] });
  t.match(flash.experts, { count: 64, k: 4, scale: 1.8, groups: null });
  t.end();
});

t.test('GGUF files of one name are told apart by what they hold', (t) => {
  const typeOf = (name: string, experts: number, tensor: string) => {
    const metadata = new Map<string, unknown>([['general.architecture', name]]).set(`${name}.expert_count`, experts);
    return ggufArchitectureOf({ metadata, tensors: [{ name: tensor }] }, 'a.gguf').modelType;
  };
  t.equal(typeOf('llama', 0, 'blk.0.ffn_up.weight'), 'llama');
  t.equal(typeOf('llama', 8, 'blk.0.ffn_up_exps.weight'), 'mixtral');
  t.equal(typeOf('deepseek2', 64, 'blk.1.ffn_gate_inp.weight'), 'deepseek_v2');
  t.equal(typeOf('deepseek2', 64, 'blk.1.exp_probs_b.bias'), 'deepseek_v3', 'GLM-4.7-Flash too');
  t.end();
});

t.test('what an architecture does not compute is refused by its key', (t) => {
  const cases: [string, object, RegExp][] = [
    ['gemma', { use_bidirectional_attention: true }, /use_bidirectional_attention true is not supported/],
    ['phi', { qk_layernorm: true }, /qk_layernorm true is not supported/],
    ['phi', { partial_rotary_factor: 0.2 }, /partial_rotary_factor: of a head of 16 dimensions 3 would rotate/],
    ['gpt_neox', { rotary_pct: 0.2 }, /rotary_pct: of a head of 16 dimensions 3 would rotate/],
    ['olmo2', { sliding_window: 9 }, /sliding_window 9 is not supported/],
    ['falcon', { new_decoder_architecture: true, parallel_attn: false }, /parallel_attn false is not supported/],
    ['minicpm', { num_experts: 8 }, /num_experts 8 is not supported/],
    ['gptj', { n_embd: 64, n_layer: 2, n_head: 4, n_positions: 64, rotary_dim: 32 }, /rotary_dim 32 .* supported: 16/],
    ['opt', { ffn_dim: 96, enable_bias: false }, /enable_bias false is not supported/],
    ['deepseek_v2', { ...mla, norm_topk_prob: true }, /norm_topk_prob true is not supported; supported: false/],
    ['deepseek_v2', { ...mla, topk_method: 'noaux_tc' }, /topk_method "noaux_tc" .* greedy, group_limited_greedy/],
    ['deepseek_v3', { ...mla, scoring_func: 'softmax' }, /scoring_func "softmax" is not supported; supported: sigmoid/],
    ['deepseek_v3', { ...mla, moe_layer_freq: 2 }, /moe_layer_freq 2 is not supported/],
    ['glm4_moe_lite', { ...mla, partial_rotary_factor: 0.5 }, /partial_rotary_factor 0.5 is not supported/],
    ['glm4_moe_lite', { ...mla, mlp_layer_types: ['dense'] }, /mlp_layer_types \["dense"\] .* 4 of them/],
    ['bloom', { n_layer: 2, n_head: 4, apply_residual_connection_post_layernorm: true }, /post_layernorm true is not/],
  ];
  for (const [type, keys, message] of cases)
    t.throws(() => architectureOf(type, 'config.json').config(jsonSource({ ...minimal, ...keys }, 'config.json')), {
      code: 'unsupported_model',
      message,
    });
  t.end();
});

t.test('layers without a window or without positions, where a config leaves them out', (t) => {
  const windows = (type: string, keys = {}) => read(type, keys).slidingWindows.map((window) => window !== null);
  t.same(windows('gemma2'), [true, false, true, false]);
  t.same(windows('olmo3'), [true, true, true, false]);
  t.same(windows('cohere2', { sliding_window_pattern: 2 }), [true, false, true, false]);
  t.same(windows('exaone4', { sliding_window_pattern: 'LLG' }), [true, true, false, true]);
  t.throws(() => windows('exaone4', { sliding_window_pattern: 'LX' }), { message: /sliding_window_pattern: expected/ });
  t.same(windows('exaone4', { sliding_window: null }), [false, false, false, false]);
  t.same(read('exaone4', {}).rotates, [true, true, true, false]);
  t.same(read('exaone4', { sliding_window: null }).rotates, [true, true, true, true]);
  t.same(read('smollm3', {}).rotates, [true, true, true, false]);
  t.same(read('smollm3', { no_rope_layer_interval: 2 }).rotates, [true, false, true, false]);
  t.end();
});

t.test('a GGUF copy has the config of its original', (t) => {
  const pairs = [
    ['qwen2', 'qwen2-gguf'],
    ['llama-biases-llama3', 'llama-gguf-biases-llama3'],
  ];
  for (const [original, copy] of pairs) {
    const [ours, theirs] = [original, copy].map((name) => {
      const model = openModel(fixturePath(name));
      model.close();
      return { ...model, config: model.config as LlamaConfig };
    });
    const { ropeParameters: a, normEps: b, ...rest } = ours.config;
    const { ropeParameters: c, normEps: d, ...copied } = theirs.config;
    t.strictSame(copied, rest, copy);
    t.ok(Math.abs(b - d) < 1e-12, 'epsilon in f32');
    const [f, g] = [a, c].map((rope) => inverseFrequencies(rope, ours.config.headDim, 256).invFreq);
    t.ok(
      f.every((value, i) => Math.abs(value - g[i]) <= 1e-6 * value),
      'the same frequencies',
    );
    t.strictSame(theirs.generationConfig.eosTokenIds, [2]);
  }
  t.end();
});

t.test('linear scaling in GGUF metadata, in its key of today and its older one', (t) => {
  const path = join(tempDir(t), 'linear.gguf');
  const ropeOf = (metadata: (b: GgufBuilder) => unknown) => {
    writeFileSync(path, smallGguf({ metadata }).bytes);
    const model = openModel(path);
    model.close();
    return (model.config as LlamaConfig).ropeParameters;
  };
  const linear = { rope_type: 'linear', rope_theta: 10000, factor: 4 };
  t.strictSame(
    ropeOf(() => {}),
    { rope_type: 'default', rope_theta: 10000 },
  );
  t.strictSame(
    ropeOf((b) => b.string('llama.rope.scaling.type', 'linear').u32('llama.rope.scaling.factor', 4)),
    linear,
  );
  t.strictSame(
    ropeOf((b) => b.u32('llama.rope.scale_linear', 4)),
    linear,
  );
  const missing = () => ropeOf((b) => b.string('llama.rope.scaling.type', 'linear'));
  t.throws(missing, { code: 'model_not_readable', message: /rope\.scaling\.factor: is missing/ });
  t.end();
});

t.test('a rotary table', (t) => {
  const table = rotaryTable({ rope_type: 'default', rope_theta: 10000 }, 4, 3);
  const expected = [0, 1, 2].flatMap((p) => [Math.cos(p), Math.cos(p / 100), Math.sin(p), Math.sin(p / 100)]);
  t.strictSame(table, Float32Array.from(expected), 'cos in the first half of a row, sin in the second');
  t.end();
});
