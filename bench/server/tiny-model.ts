/** A model of a few thousand random weights whose tokens are bytes: the whole server runs over it, at next to no cost. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeRandomCheckpoint } from '../gpu/random-checkpoint.ts';

const specials = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const shape = {
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  vocab_size: specials.length + 256,
  tie_word_embeddings: true,
};
const chatTemplate =
  "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}" +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

/** Writes it to a new temporary directory, which is gone when the process ends. */
export function writeTinyModel(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dawnlight-tiny-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  writeRandomCheckpoint(directory, shape);
  const added_tokens = specials.map((content, id) => ({ id, content, special: true, normalized: false }));
  const bytes = byteLetters().map((letter, i) => [letter, specials.length + i] as const);
  const tokenizer = {
    added_tokens,
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: { ...Object.fromEntries(specials.map((s, i) => [s, i])), ...Object.fromEntries(bytes) },
      merges: [],
    },
  };
  const config = { eos_token: '<|im_end|>', chat_template: chatTemplate };
  writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(join(directory, 'tokenizer_config.json'), JSON.stringify(config));
  return directory;
}

/** GPT-2's letters for the bytes 0 … 255: printable ones stand for themselves, the others for U+0100 and on. */
function byteLetters(): string[] {
  let next = 256;
  const isPrintable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(isPrintable(b) ? b : next++));
}
