import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { HFTokenizer } from '../../src/text/tokenizer/hf-tokenizer.ts';
import { createIncrementalDecoder } from '../../src/text/incremental-decoder.ts';
import { tokenizerFromGguf } from '../../src/text/tokenizer/load-tokenizer.ts';
import type { TokenizerJson } from '../../src/text/tokenizer/tokenizer-json.ts';
import type { Tokenizer } from '../../src/text/tokenizer/tokenizer.ts';

const read = (name: string) => JSON.parse(readFileSync(`test/fixtures/tokenizer/${name}`, 'utf8'));
const nothing = { bosTokenId: null, eosTokenIds: [], chatTemplate: null, toolUseTemplate: null, specialTokens: {} };
const fromJson = (name: string) => new HFTokenizer({ ...nothing, json: read(name).tokenizer as TokenizerJson });
const tokenizers: Record<string, Tokenizer> = {
  'byte-level': fromJson('byte-level.json'),
  metaspace: fromJson('metaspace.json'),
  sentencepiece: tokenizerFromGguf(read('sentencepiece.json').metadata),
};

for (const [name, tokenizer] of Object.entries(tokenizers)) {
  t.test(`${name}: pieces joined equal the whole decode, whatever the ids and the cuts`, async () => {
    // Random ids are mostly malformed UTF-8; ids of random text are mostly whole characters.
    const text = fc.string({ unit: 'binary', maxLength: 30 }).map((s) => tokenizer.encode(s));
    const ids = fc.oneof(text, fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize + 2 }), { maxLength: 40 }));
    fc.assert(
      fc.property(ids, fc.infiniteStream(fc.nat(4)), fc.boolean(), fc.boolean(), (ids, cuts, skip, atStart) => {
        const decoder = createIncrementalDecoder(tokenizer, { skipSpecialTokens: skip, atStart });
        const pieces: string[] = [];
        for (let i = 0; i < ids.length;) {
          const count = cuts.next().value;
          pieces.push(decoder.push(ids.slice(i, i + count)));
          i += count;
        }
        pieces.push(decoder.flush());
        const whole = tokenizer.decode(ids, { skipSpecialTokens: skip, atStart });
        return pieces.join('') === whole;
      }),
      { numRuns: 500 },
    );
  });
}

t.test('half a character is never shown, and comes out as U+FFFD only at the end', async (t) => {
  const tokenizer = tokenizers['sentencepiece'];
  const ids = tokenizer.encode('\u{20bb7}', { addSpecialTokens: false }).slice(1);
  t.equal(ids.length, 4, 'one byte token for each byte');
  const whole = createIncrementalDecoder(tokenizer);
  t.same(
    ids.map((id) => whole.push([id])),
    ['', '', '', '\u{20bb7}'],
  );
  t.equal(whole.flush(), '');
  const cut = createIncrementalDecoder(tokenizer);
  t.equal(cut.push(ids.slice(0, 3)), '');
  t.equal(cut.flush(), '\ufffd');
});

t.test('special tokens are left out unless asked for; added ones that are not special are shown', async (t) => {
  const tokenizer = tokenizers['byte-level'];
  const ids = tokenizer.encode('a<think>b<tool call><|im_end|>', { addSpecialTokens: false });
  t.equal(createIncrementalDecoder(tokenizer).push(ids), 'a<think>b<tool call>');
  const all = createIncrementalDecoder(tokenizer, { skipSpecialTokens: false });
  t.equal(all.push(ids), 'a<think>b<tool call><|im_end|>');
});

t.test('token bytes joined are the bytes of the text', async () => {
  for (const tokenizer of Object.values(tokenizers)) {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const ids = tokenizer.encode(text, { addSpecialTokens: false });
        const bytes = Buffer.concat(ids.map((id) => tokenizer.tokenBytes(id)));
        return bytes.toString('utf8').slice(text === '' ? 0 : tokenizer.leadingSpaces) === text.replaceAll('▁', ' ');
      }),
    );
  }
});
