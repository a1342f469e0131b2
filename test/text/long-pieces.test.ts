// Long pieces are merged in windows: the same tokens as of the whole, and an end as soon as there are too many.
import { readFileSync } from 'node:fs';
import { gguf } from '@huggingface/gguf';
import fc from 'fast-check';
import t from 'tap';
import { ggufTokenizerSource } from '../../src/text/tokenizer/gguf-vocabulary.ts';
import { HFTokenizer } from '../../src/text/tokenizer/hf-tokenizer.ts';
import { LibraryTokenizer } from '../../src/text/tokenizer/library.ts';
import { type Merge, mergeInWindows } from '../../src/text/tokenizer/long-pieces.ts';
import { faithfulPreTokenizer } from '../../src/text/tokenizer/pre-tokenizers.ts';
import { TooManyTokens } from '../../src/text/tokenizer/tokenizer.ts';
import type { TokenizerJson } from '../../src/text/tokenizer/tokenizer-json.ts';
import { defaultModel } from '../helpers/default-model.ts';

/** The library's own merging with these merges, in this order, over a few letters. */
function merging(letters: string, merges: readonly (readonly [string, string])[]): Merge {
  const tokens = [...new Set([...letters, ...merges.map((pair) => pair.join(''))])];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const { model } = new LibraryTokenizer(
    {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      model: { type: 'BPE', vocab, merges: merges.map((pair) => [...pair]) },
    },
    {},
  );
  return (piece) => model.bpe!(piece);
}

const none = { bosTokenId: null, eosTokenIds: [], chatTemplate: null, toolUseTemplate: null, specialTokens: {} };
const nothing = () => () => undefined;

function isRefused(encode: () => unknown): boolean {
  try {
    encode();
    return false;
  } catch (error) {
    return error instanceof TooManyTokens;
  }
}

t.test('any merges in any order, any text: the tokens of the whole', async () => {
  // A pair of numbers picks two of the tokens so far; merges may come before those that make their parts.
  const choice = fc.tuple(fc.nat(), fc.nat());
  const text = fc.array(fc.tuple(fc.stringMatching(/^[ab😀]{1,5}$/u), fc.integer({ min: 1, max: 30 })), {
    maxLength: 9,
  });
  fc.assert(
    fc.property(
      fc.array(choice, { minLength: 1, maxLength: 30 }),
      fc.boolean(),
      text,
      fc.integer({ min: 2, max: 24 }),
      fc.integer({ min: 0, max: 8 }),
      (choices, isReversed, runs, size, margin) => {
        const tokens = ['a', 'b', '😀'];
        const merges = choices.map(([left, right]) => {
          const pair = [tokens[left % tokens.length], tokens[right % tokens.length]] as const;
          tokens.push(pair.join(''));
          return pair;
        });
        const merge = merging('ab😀', isReversed ? merges.reverse() : merges);
        const piece = runs.map(([unit, times]) => unit.repeat(times)).join('');
        if (piece === '') return true;
        return mergeInWindows(piece, merge, { size, margin }, nothing).join('|') === merge(piece).join('|');
      },
    ),
    { numRuns: 3000 },
  );
});

/** What is compared with the library as it is, and what it takes to make it long. */
const shapes: Readonly<Record<string, string>> = {
  spaces: ' ',
  'line ends': '\n',
  tabs: '\t',
  letters: 'a',
  syllables: 'ab',
  'a word': 'administration',
  Chinese: '漢',
  'Chinese words': '漢字仮名交じり文',
  accents: 'e\u0301',
  'accents alone': '\u0301',
  joiners: '\u200d',
  families: '👩‍👩‍👧',
  signs: '!',
  underlines: '_-=',
  base64: 'iVBORw0KGgo',
  Thai: 'กำ',
  Arabic: 'السلام',
};

const random = (letters: string, length: number): string => {
  const all = Array.from(letters);
  let [state, text] = [1, ''];
  for (let i = 0; i < length; i++) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    text += all[(state >> 8) % all.length];
  }
  return text;
};

/** Every shape with so many characters. */
const texts = (length: number): (readonly [shape: string, text: string])[] => [
  ...Object.entries(shapes).map(([shape, unit]) => [shape, unit.repeat(length / unit.length)] as const),
  ['random letters', random('abcdefghijklmnopqrstuvwxyz', length)],
  ['random Chinese', random('的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要', length)],
];

const fixture = (name: string): TokenizerJson =>
  (JSON.parse(readFileSync(`test/fixtures/tokenizer/${name}.json`, 'utf8')) as { tokenizer: TokenizerJson }).tokenizer;

const model = defaultModel();

async function defaultJson(): Promise<TokenizerJson> {
  const { metadata } = await gguf(model.path, { allowLocalFile: true });
  return ggufTokenizerSource({ ...metadata }).json;
}

const sources: Readonly<Record<string, () => TokenizerJson | Promise<TokenizerJson>>> = {
  'byte-level': () => fixture('byte-level'),
  metaspace: () => fixture('metaspace'),
  ...(model.unavailable === false ? { 'the default model': defaultJson } : {}),
};

for (const [name, source] of Object.entries(sources)) {
  t.test(`${name}: every shape of a long piece`, async (t) => {
    const json = await source();
    const tokenizer = new HFTokenizer({ ...none, json });
    const library = new LibraryTokenizer({ ...json, pre_tokenizer: faithfulPreTokenizer(json.pre_tokenizer) }, {});
    for (const [shape, text] of texts(4000)) {
      const { ids } = library.encode(text, { add_special_tokens: true });
      t.ok(tokenizer.encode(text, { maxTokens: ids.length }).join() === ids.join(), `${shape}: the library’s ids`);
    }
    for (const [shape, text] of texts(200_000))
      t.ok(
        isRefused(() => tokenizer.encode(text, { maxTokens: 10 })),
        `${shape}: too many`,
      );
  });
}

t.test('what is refused is not worked through', async (t) => {
  let merged = 0;
  const merge: Merge = (piece) => {
    merged += piece.length;
    return Array.from(piece);
  };
  const watch = () => {
    let made = 0;
    return (tokens: readonly string[]) => {
      if ((made += tokens.length) > 1000) throw new TooManyTokens();
    };
  };
  const long = random('ab', 1e6);
  t.ok(isRefused(() => mergeInWindows(long, merge, { size: 100, margin: 10 }, watch)));
  t.ok(merged < 1400, `${merged} characters were merged`);
  merged = 0;
  mergeInWindows(' '.repeat(1e6), merge, { size: 100, margin: 10 }, nothing);
  t.ok(merged < 1000, `a run is merged once: ${merged}`);
});
