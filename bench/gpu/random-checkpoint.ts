/** Checkpoints of real shapes with random bf16 weights, made where they are measured: speed does not depend on values. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface Shape {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly vocab_size: number;
  readonly tie_word_embeddings: boolean;
}

/** From the models' own config.json. */
export const shapes: Readonly<Record<string, Shape>> = {
  'smollm2-135m': {
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    vocab_size: 49152,
    tie_word_embeddings: true,
  },
  'llama-3.2-1b': {
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 16,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 64,
    vocab_size: 128256,
    tie_word_embeddings: true,
  },
  'llama-3.1-8b': {
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 128,
    vocab_size: 128256,
    tie_word_embeddings: false,
  },
};

/** Names and shapes of a Llama checkpoint's tensors, in file order. */
function tensors(s: Shape): [name: string, shape: number[]][] {
  const q = s.num_attention_heads * s.head_dim;
  const kv = s.num_key_value_heads * s.head_dim;
  const layers = Array.from({ length: s.num_hidden_layers }, (_, i): [string, number[]][] => {
    const p = `model.layers.${i}`;
    return [
      [`${p}.input_layernorm.weight`, [s.hidden_size]],
      [`${p}.self_attn.q_proj.weight`, [q, s.hidden_size]],
      [`${p}.self_attn.k_proj.weight`, [kv, s.hidden_size]],
      [`${p}.self_attn.v_proj.weight`, [kv, s.hidden_size]],
      [`${p}.self_attn.o_proj.weight`, [s.hidden_size, q]],
      [`${p}.post_attention_layernorm.weight`, [s.hidden_size]],
      [`${p}.mlp.gate_proj.weight`, [s.intermediate_size, s.hidden_size]],
      [`${p}.mlp.up_proj.weight`, [s.intermediate_size, s.hidden_size]],
      [`${p}.mlp.down_proj.weight`, [s.hidden_size, s.intermediate_size]],
    ];
  }).flat();
  const head: [string, number[]][] = s.tie_word_embeddings ? [] : [['lm_head.weight', [s.vocab_size, s.hidden_size]]];
  return [
    ['model.embed_tokens.weight', [s.vocab_size, s.hidden_size]],
    ...layers,
    ['model.norm.weight', [s.hidden_size]],
    ...head,
  ];
}

/** Writes config.json and model.safetensors into `directory`. */
export function writeRandomCheckpoint(directory: string, shape: Shape): void {
  mkdirSync(directory, { recursive: true });
  const config = { model_type: 'llama', rms_norm_eps: 1e-5, rope_theta: 500000, max_position_embeddings: 8192 };
  writeFileSync(
    join(directory, 'config.json'),
    JSON.stringify({ ...config, ...shape, eos_token_id: 2, hidden_act: 'silu' }),
  );
  const header: Record<string, { dtype: 'BF16'; shape: number[]; data_offsets: [number, number] }> = {};
  let end = 0;
  for (const [name, dims] of tensors(shape)) {
    const begin = end;
    end += 2 * dims.reduce((n, d) => n * d, 1);
    header[name] = { dtype: 'BF16', shape: dims, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(join(directory, 'model.safetensors'), 'w');
  writeSync(file, length);
  writeSync(file, text);
  const noise = randomBf16(8 << 20);
  for (let written = 0; written < end;) {
    written += writeSync(file, noise, 0, Math.min(noise.length, end - written));
  }
  closeSync(file);
}

/** `bytes` of bf16 values, uniform in ±0.03: the size of real weights, so that nothing overflows. */
function randomBf16(bytes: number): Uint8Array {
  const floats = Float32Array.from({ length: bytes / 2 }, () => (Math.random() - 0.5) * 0.06);
  const words = new Uint32Array(floats.buffer);
  return new Uint8Array(Uint16Array.from(words, (w) => w >>> 16).buffer);
}
