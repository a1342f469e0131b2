/**
 * A tokenizer for server tests: ids 0–255 are the bytes of UTF-8 text, 256 is `<bos>`, 257 `<eos>`, 258 and 259 the
 * special tags `<think>` and `</think>`. So a text's ids are its bytes and a character may span several tokens.
 */
import type { Tokenizer } from '../../src/text/tokenizer/tokenizer.ts';

export const BOS = 256;
export const EOS = 257;
const specials = ['<bos>', '<eos>', '<think>', '</think>'];

export const fakeChatTemplate =
  '{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}';

export const fakeTokenizer: Tokenizer = {
  vocabSize: 256 + specials.length,
  bosTokenId: BOS,
  eosTokenIds: [EOS],
  chatTemplate: fakeChatTemplate,
  toolUseTemplate: null,
  specialTokens: { bos_token: '<bos>', eos_token: '<eos>' },
  leadingSpaces: 0,
  encode: (text, options) => [...(options?.addSpecialTokens === false ? [] : [BOS]), ...Buffer.from(text)],
  decode: (ids, options) => {
    const shown = options?.skipSpecialTokens ? ids.filter((id) => id < 256) : ids;
    return Buffer.concat(shown.map((id) => fakeTokenizer.tokenBytes(id))).toString();
  },
  tokenBytes: (id) => (id < 256 ? Uint8Array.of(id) : new Uint8Array(Buffer.from(specials[id - 256] ?? ''))),
  isSpecial: (id) => id >= 256,
};
