import { mkdtempSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import t from 'tap';
import { EngineError } from '../../src/errors.ts';
import { preType } from '../../src/text/tokenizer/gguf-pre-types.ts';
import { HFTokenizer } from '../../src/text/tokenizer/hf-tokenizer.ts';
import { mistypedEndTokens } from '../../src/text/tokenizer/gguf-vocabulary.ts';
import { loadTokenizer, tokenizerFromGguf } from '../../src/text/tokenizer/load-tokenizer.ts';
import { compileChatTemplate } from '../../src/text/chat-template/chat-template.ts';
import { byteLevelSpelling, isolate } from '../../src/text/tokenizer/pre-tokenizers.ts';
import type { TokenizerJson } from '../../src/text/tokenizer/tokenizer-json.ts';
import type { Tokenizer } from '../../src/text/tokenizer/tokenizer.ts';
import { defaultModel } from '../helpers/default-model.ts';

interface Case {
  readonly text: string;
  readonly ids: number[];
  readonly decoded?: string;
}

// Fixtures are made by scripts/make-tokenizer-fixtures.py.
function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join('test/fixtures/tokenizer', name), 'utf8')) as T;
}

function fromJson(json: TokenizerJson): Tokenizer {
  return new HFTokenizer({
    json,
    bosTokenId: null,
    eosTokenIds: [],
    chatTemplate: null,
    toolUseTemplate: null,
    specialTokens: {},
  });
}

/** The cases that come out differently, for a short failure message. */
function wrong(tokenizer: Tokenizer, cases: readonly Case[]) {
  return cases.flatMap(({ text, ids, decoded }) => {
    const found = { text, ids: tokenizer.encode(text), decoded: tokenizer.decode(ids, { skipSpecialTokens: true }) };
    const same = found.ids.join() === ids.join() && (decoded === undefined || found.decoded === decoded);
    return same ? [] : [{ found, wanted: { text, ids, decoded } }];
  });
}

t.test('byte-level BPE with added tokens: ids and text equal the Rust library’s', async (t) => {
  const { tokenizer, cases } = fixture<{ tokenizer: TokenizerJson; cases: Case[] }>('byte-level.json');
  t.ok(cases.length > 150);
  t.same(wrong(fromJson(tokenizer), cases), []);
});

t.test('SentencePiece-like BPE with Metaspace and byte fallback: ids and text equal the Rust library’s', async (t) => {
  const { tokenizer, cases } = fixture<{ tokenizer: TokenizerJson; cases: Case[] }>('metaspace.json');
  t.same(wrong(fromJson(tokenizer), cases), []);
});

t.test('every kind of GGUF pre-tokenizer cuts text as its tokenizer.json does', async (t) => {
  const { tokenizer, pre, texts } = fixture<{
    tokenizer: TokenizerJson;
    pre: Record<string, number[][]>;
    texts: string[];
  }>('byte-level.json');
  t.ok(Object.keys(pre).length >= 10);
  for (const [name, ids] of Object.entries(pre)) {
    const patterns = preType(name)?.patterns ?? [];
    const pre_tokenizer = { type: 'Sequence', pretokenizers: [...patterns.map(isolate), byteLevelSpelling] };
    const cases = texts.map((text, i) => ({ text, ids: ids[i] }));
    t.same(wrong(fromJson({ ...tokenizer, pre_tokenizer, post_processor: null }), cases), [], name);
  }
});

t.test('a GGUF SentencePiece vocabulary: merges from scores give sentencepiece’s own ids', async (t) => {
  const { metadata, cases } = fixture<{ metadata: Record<string, unknown>; cases: Case[] }>('sentencepiece.json');
  const tokenizer = tokenizerFromGguf(metadata);
  t.same(wrong(tokenizer, cases), []);
  const text = 'Hello   wörld 中😀\n';
  t.equal(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: true }), text, 'there and back');
  const continued = tokenizer.encode('and', { addSpecialTokens: false });
  t.equal(tokenizer.decode(continued), 'and');
  t.equal(tokenizer.decode(continued, { atStart: false }), ' and', 'text that continues a prompt keeps its space');
  t.same(tokenizer.tokenBytes(tokenizer.encode('\u{20bb7}').at(-1) ?? 0), [0xb7], 'a byte token is one byte');
  t.equal(tokenizer.tokenBytes(1e6).length, 0);
});

t.test('a GGUF whose end of turn is typed as text: it is a control token and ends the turn', async (t) => {
  const tokens = ['<s>', 'a', 'b', 'ab', '<|im_start|>', '<|im_end|>', '</s>'];
  const of = (...types: number[]) => ({
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': types,
    'tokenizer.ggml.merges': ['a b'],
    'tokenizer.ggml.eos_token_id': 0,
  });
  for (const type of [1, 4]) {
    const metadata = of(3, 1, 1, 1, 3, type, 1);
    const tokenizer = tokenizerFromGguf(metadata);
    t.same(tokenizer.eosTokenIds, [0, 5], `type ${type}`);
    t.same(tokenizer.encode('ab<|im_end|>'), [3, 5], 'read whole');
    t.equal(tokenizer.decode([3, 5], { skipSpecialTokens: true }), 'ab', 'not shown');
    t.same(mistypedEndTokens(metadata), ['<|im_end|>'], 'and said');
  }
  t.same(mistypedEndTokens(of(3, 1, 1, 1, 3, 3, 1)), [], 'a tag of HTML is text');
  t.same(tokenizerFromGguf(of(3, 1, 1, 1, 3, 3, 3)).eosTokenIds, [0, 5, 6], 'unless it is typed as control');
});

const model = defaultModel();
t.test('the default model: ids equal transformers’ on varied strings', { skip: model.unavailable }, async (t) => {
  const { metadata } = await gguf(model.path, { allowLocalFile: true });
  const tokenizer = tokenizerFromGguf({ ...metadata });
  const { cases, chat } = fixture<{
    cases: Case[];
    chat: { messages: { role: string; content: string }[]; rendered: string };
  }>('default-model.json');
  t.ok(cases.length > 270);
  t.same(wrong(tokenizer, cases), []);
  t.match(tokenizer, { vocabSize: 49152, bosTokenId: 1, specialTokens: { bos_token: '<|im_start|>' } });
  t.same(tokenizer.eosTokenIds, [2, 0]);
  t.ok(tokenizer.isSpecial(2) && !tokenizer.isSpecial(300));
  const roundTrip = cases.filter(({ text, ids }) => tokenizer.decode(ids) !== text);
  t.same(roundTrip, [], 'byte-level text decodes to itself');
  const template = compileChatTemplate(tokenizer.chatTemplate ?? '', tokenizer.specialTokens);
  t.equal(template.render(chat.messages), chat.rendered);
});

t.test('a Hugging Face directory: every file transformers reads has its say', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'dawnlight-tokenizer-'));
  const write = (name: string, value: unknown) =>
    writeFileSync(join(dir, name), typeof value === 'string' ? value : JSON.stringify(value));
  const { tokenizer } = fixture<{ tokenizer: TokenizerJson }>('byte-level.json');

  t.throws(() => loadTokenizer(dir), { code: 'model_not_readable', message: /tokenizer\.json is missing/ });
  write('tokenizer.json', tokenizer);
  t.same(loadTokenizer(dir).encode('a')[0], 0, 'the post-processor adds <|endoftext|>');

  write('special_tokens_map.json', { eos_token: { content: '<|im_end|>' }, pad_token: '<|endoftext|>' });
  write('tokenizer_config.json', {
    bos_token: '<|endoftext|>',
    add_bos_token: false,
    chat_template: [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'tools' },
    ],
  });
  write('generation_config.json', { eos_token_id: [1, 7] });
  const loaded = loadTokenizer(dir);
  t.notSame(loaded.encode('a')[0], 0, 'add_bos_token: false wins');
  t.match(loaded, { bosTokenId: 0, eosTokenIds: [1, 7], chatTemplate: 'plain', toolUseTemplate: 'tools' });
  t.same(loaded.specialTokens, {
    bos_token: '<|endoftext|>',
    eos_token: '<|im_end|>',
    pad_token: '<|endoftext|>',
  });

  write('chat_template.jinja', 'from the file');
  mkdirSync(join(dir, 'additional_chat_templates'));
  write('additional_chat_templates/tool_use.jinja', 'tools from the file');
  t.match(loadTokenizer(dir), { chatTemplate: 'from the file', toolUseTemplate: 'tools from the file' });

  write('tokenizer.json', '{');
  t.throws(() => loadTokenizer(dir), { code: 'model_not_readable', message: /tokenizer\.json is not JSON/ });
  write('tokenizer.json', { ...tokenizer, decoder: { type: 'WordPiece' } });
  t.throws(() => loadTokenizer(dir), { code: 'unsupported_model', message: /WordPiece/ });
});

t.test('a tokenizer file that lies is an error that names file and key', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'dawnlight-tokenizer-'));
  const { tokenizer } = fixture<{ tokenizer: TokenizerJson }>('byte-level.json');
  const token = { id: 1, content: 'x', special: false, normalized: false };
  const model = (change: object) => ({ ...tokenizer, model: { ...tokenizer.model, ...change } });
  const cases: [unknown, RegExp][] = [
    [null, /tokenizer\.json: the file: expected object/],
    [[], /the file: expected object/],
    [{}, /tokenizer\.json: model: expected object/],
    [model({ vocab: null }), /model\.vocab: expected token ids/],
    [model({ vocab: { a: -1 } }), /model\.vocab: expected token ids/],
    [model({ vocab: { a: 4e9 } }), /model\.vocab: expected token ids/],
    [model({ merges: 3 }), /model\.merges: expected pairs/],
    [{ ...tokenizer, added_tokens: 3 }, /added_tokens: expected array/],
    [{ ...tokenizer, added_tokens: [token, {}] }, /added_tokens\.1\.id: expected number/],
    [{ ...tokenizer, added_tokens: [{ ...token, id: 1e9 }] }, /added_tokens\.0\.id: Too big/],
    [{ ...tokenizer, decoder: { type: 'Sequence' } }, /a Sequence without decoders/],
    [{ ...tokenizer, pre_tokenizer: { type: 'Sequence' } }, /a Sequence without pretokenizers/],
  ];
  for (const [value, message] of cases) {
    writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(value));
    t.throws(() => loadTokenizer(dir), { code: 'model_not_readable', message }, String(message));
  }
  writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
  for (const [config, message] of [
    [[], /tokenizer_config\.json: the file: expected object/],
    [{ chat_template: [3] }, /tokenizer_config\.json: chat_template: expected a text or a list/],
  ] as const) {
    writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify(config));
    t.throws(() => loadTokenizer(dir), { code: 'model_not_readable', message }, String(message));
  }
});

t.test('a GGUF vocabulary that cannot be used says which key is at fault', async (t) => {
  const { metadata } = fixture<{ metadata: Record<string, unknown> }>('sentencepiece.json');
  const message = (change: Record<string, unknown>) => {
    try {
      tokenizerFromGguf({ ...metadata, ...change });
    } catch (error) {
      return error instanceof EngineError ? `${error.code}: ${error.message}` : String(error);
    }
    return 'no error';
  };
  t.match(message({ 'tokenizer.ggml.tokens': undefined }), /model_not_readable.*tokenizer\.ggml\.tokens/);
  t.match(message({ 'tokenizer.ggml.tokens': [1, 2] }), /model_not_readable.*array of strings/);
  t.match(message({ 'tokenizer.ggml.token_type': [1] }), /model_not_readable.*token_type/);
  t.match(message({ 'tokenizer.ggml.scores': undefined }), /model_not_readable.*scores/);
  t.match(message({ 'tokenizer.ggml.model': 'rwkv' }), /unsupported_model.*rwkv/);
  t.match(
    message({ 'tokenizer.ggml.model': 'bert' }),
    /unsupported_model.*"bert" \(WordPiece\), which no architecture here/,
  );
  t.match(message({ 'tokenizer.ggml.model': 't5' }), /unsupported_model.*"t5" \(unigram\)/);
  const bpe = { 'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.merges': [] };
  t.match(message({ ...bpe, 'tokenizer.ggml.pre': 'made-up' }), /unsupported_model.*made-up.*llama-bpe/);
});
