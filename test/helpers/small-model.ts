/** The smallest whole model, tokenizer and chat template included, as a GGUF file and as a Hugging Face directory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GgufBuilder } from './gguf-builder.ts';

const tokens = ['<|end|>', 'a', 'b', 'Ġ', 'ab'];
const merges = ['a b'];
const template = '{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}';
const [hidden, kv, vocabulary] = [32, 16, tokens.length];

/** Name here and in GGUF files, and shape, in file order. */
const tensors: readonly (readonly [string, string, readonly number[]])[] = [
  ['model.embed_tokens', 'token_embd', [vocabulary, hidden]],
  ['model.layers.0.input_layernorm', 'blk.0.attn_norm', [hidden]],
  ['model.layers.0.self_attn.q_proj', 'blk.0.attn_q', [hidden, hidden]],
  ['model.layers.0.self_attn.k_proj', 'blk.0.attn_k', [kv, hidden]],
  ['model.layers.0.self_attn.v_proj', 'blk.0.attn_v', [kv, hidden]],
  ['model.layers.0.self_attn.o_proj', 'blk.0.attn_output', [hidden, hidden]],
  ['model.layers.0.post_attention_layernorm', 'blk.0.ffn_norm', [hidden]],
  ['model.layers.0.mlp.gate_proj', 'blk.0.ffn_gate', [hidden, hidden]],
  ['model.layers.0.mlp.up_proj', 'blk.0.ffn_up', [hidden, hidden]],
  ['model.layers.0.mlp.down_proj', 'blk.0.ffn_down', [hidden, hidden]],
  ['model.norm', 'output_norm', [hidden]],
];

/** With `.weight`, as in model.safetensors. */
export const smallTensorNames: readonly string[] = tensors.map(([name]) => `${name}.weight`);

export interface GgufExtras {
  /** One more F32 tensor: its name and its dimensions, innermost first. */
  readonly extra?: readonly [string, readonly bigint[]];
  /** Adds metadata. */
  readonly metadata?: (builder: GgufBuilder) => unknown;
}

export interface SmallFile {
  readonly bytes: Buffer;
  /** Of the header, data excluded. */
  readonly headerBytes: number;
}

/** Vectors F32, matrices Q8_0 (34 bytes for 32 weights), all zero. */
export function smallGguf({ extra, metadata = () => {} }: GgufExtras = {}): SmallFile {
  const b = new GgufBuilder()
    .string('general.architecture', 'llama')
    .u32('llama.block_count', 1)
    .u32('llama.context_length', 64)
    .u32('llama.embedding_length', hidden)
    .u32('llama.feed_forward_length', hidden)
    .u32('llama.attention.head_count', 2)
    .u32('llama.attention.head_count_kv', 1)
    .u32('llama.attention.layer_norm_rms_epsilon', 1)
    .string('tokenizer.ggml.model', 'gpt2')
    .strings('tokenizer.ggml.tokens', tokens)
    .u32s('tokenizer.ggml.token_type', [3, 1, 1, 1, 1])
    .strings('tokenizer.ggml.merges', merges)
    .u32('tokenizer.ggml.eos_token_id', 0)
    .string('tokenizer.chat_template', template);
  let end = 0;
  for (const [, name, shape] of tensors) {
    const elements = shape.reduce((n, d) => n * d, 1);
    const [type, bytes] = shape.length === 1 ? [0, elements * 4] : [8, (elements / 32) * 34];
    const start = Math.ceil(end / 32) * 32;
    b.tensor(`${name}.weight`, [...shape].reverse().map(BigInt), type, BigInt(start), bytes);
    end = start + bytes;
  }
  if (extra) b.tensor(...extra, 0, BigInt(Math.ceil(end / 32) * 32), 4 * Number(extra[1].reduce((n, d) => n * d, 1n)));
  metadata(b);
  const bytes = b.build();
  return { bytes, headerBytes: bytes.length - end };
}

/** model.safetensors: everything BF16, all zero. */
export function smallSafetensors(): SmallFile {
  let end = 0;
  const entries = tensors.map(([name, , shape]) => {
    const begin = end;
    end += 2 * shape.reduce((n, d) => n * d, 1);
    return [`${name}.weight`, { dtype: 'BF16', shape, data_offsets: [begin, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return { bytes: Buffer.concat([length, header, Buffer.alloc(end)]), headerBytes: 8 + header.length };
}

/** The JSON files beside model.safetensors. */
export const smallJson = {
  'config.json': {
    model_type: 'llama',
    vocab_size: vocabulary,
    hidden_size: hidden,
    intermediate_size: hidden,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: kv,
    hidden_act: 'silu',
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    attention_bias: false,
    rope_theta: 10000,
    rope_scaling: { rope_type: 'linear', factor: 2 },
    eos_token_id: 0,
  },
  'generation_config.json': { eos_token_id: [0], temperature: 0.5, top_p: 0.9, top_k: 5 },
  'tokenizer.json': {
    added_tokens: [{ id: 0, content: '<|end|>', special: true, normalized: false }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '<|end|>', type_id: 0 } }],
      pair: [],
      special_tokens: { '<|end|>': { id: '<|end|>', ids: [0], tokens: ['<|end|>'] } },
    },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
  },
  'tokenizer_config.json': { eos_token: '<|end|>', add_bos_token: false, chat_template: template },
} as const;

/** Writes the whole directory. */
export function writeSmallModel(directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'model.safetensors'), smallSafetensors().bytes);
  for (const [name, value] of Object.entries(smallJson)) writeFileSync(join(directory, name), JSON.stringify(value));
}
