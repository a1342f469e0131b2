// Split beside its matches: the pieces of the Rust library, in linear time.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { fastPreTokenizer } from '../../src/text/tokenizer/fast-pre-tokenizers.ts';
import { HFTokenizer } from '../../src/text/tokenizer/hf-tokenizer.ts';
import { LibraryTokenizer } from '../../src/text/tokenizer/library.ts';
import { faithfulPreTokenizer } from '../../src/text/tokenizer/pre-tokenizers.ts';
import { flatten, type Component, type TokenizerJson } from '../../src/text/tokenizer/tokenizer-json.ts';

const { tokenizer: metaspace } = JSON.parse(readFileSync('test/fixtures/tokenizer/metaspace.json', 'utf8')) as {
  tokenizer: TokenizerJson;
};

type Behavior = 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous' | 'Isolated';

const split = (pattern: object, behavior: Behavior, invert = false): Component => ({
  type: 'Split',
  ...{ pattern, behavior, invert },
});

/** Text → pieces, as a tokenizer that is loaded with `component` makes them. */
function pieces(component: Component): (text: string) => string[] {
  const preTokenizer = faithfulPreTokenizer(component);
  const library = new LibraryTokenizer({ ...metaspace, pre_tokenizer: preTokenizer }, {});
  const [step] = flatten(preTokenizer, 'pretokenizers');
  const fast = fastPreTokenizer(library.pre_tokenizer!.tokenizers![0], step, null);
  return (text) => fast.pre_tokenize_text(text);
}

t.test('pieces are those of the Rust library (tokenizers 0.23.3)', async (t) => {
  const space = { String: ' ' };
  const regex = { Regex: 'a|bb' };
  const cases: [object, Behavior, boolean, string, string[]][] = [
    [space, 'MergedWithPrevious', false, '  one two  three ', [' ', ' ', 'one ', 'two ', ' ', 'three ']],
    [space, 'MergedWithPrevious', true, '  one two  three ', [' ', ' one', ' two', ' ', ' three', ' ']],
    [space, 'MergedWithNext', false, '  one two  three ', [' ', ' one', ' two', ' ', ' three', ' ']],
    [space, 'MergedWithNext', true, '  one two  three ', [' ', ' ', 'one ', 'two ', ' ', 'three ']],
    [regex, 'MergedWithPrevious', false, 'abbba bb', ['a', 'bb', 'ba', ' bb']],
    [regex, 'MergedWithNext', false, 'abbba bb', ['a', 'bbb', 'a ', 'bb']],
    [space, 'MergedWithPrevious', false, 'none', ['none']],
    [space, 'MergedWithNext', false, 'none', ['none']],
  ];
  for (const [pattern, behavior, invert, text, wanted] of cases)
    t.same(pieces(split(pattern, behavior, invert))(text), wanted, `${behavior} ${invert}: ${text}`);
});

t.test('the same pieces as patterns of whole pieces, which look for a match from every place', async () => {
  const letters = fc.stringMatching(/^[ab 😀]{0,12}$/u);
  const pattern = fc.constantFrom('a', ' ', '[ab]', 'a+', 'ab|b', '😀', 'a(?= )', '(?<=a)b', '\\s+');
  fc.assert(
    fc.property(pattern, letters, (regex, text) => {
      const before = `(?:(?!${regex})[\\s\\S])*(?:${regex})`;
      const behind = `(?:${regex})(?:(?!${regex})[\\s\\S])*`;
      return (
        pieces(split({ Regex: regex }, 'MergedWithPrevious'))(text).join('|') ===
          pieces(split({ Regex: before }, 'Isolated'))(text).join('|') &&
        pieces(split({ Regex: regex }, 'MergedWithNext'))(text).join('|') ===
          pieces(split({ Regex: behind }, 'Isolated'))(text).join('|')
      );
    }),
    { numRuns: 500 },
  );
});

t.test('white space at the end of a line: the same pieces from the start of each run only', async (t) => {
  const atEnd = pieces(split({ Regex: '\\s+$' }, 'Isolated'));
  // A group around it, and it is taken as it is.
  const asItIs = pieces(split({ Regex: '(?:\\s+$)' }, 'Isolated'));
  fc.assert(
    fc.property(fc.stringMatching(/^[a \n\r\t]{0,14}$/), (text) => atEnd(text).join('|') === asItIs(text).join('|')),
    { numRuns: 1000 },
  );
  const text = `${' '.repeat(100_000)}1`;
  const before = process.cpuUsage();
  t.same(atEnd(text), [text]);
  // Some milliseconds; from each place of the run it took 0.2 s for 8,000 spaces, and by the square more for more.
  t.ok(process.cpuUsage(before).user < 5e6);
});

t.test('a long text without a match, as Gemma’s are: linear', async (t) => {
  const json: TokenizerJson = {
    ...metaspace,
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: split({ String: ' ' }, 'MergedWithPrevious'),
  };
  const none = { bosTokenId: null, eosTokenIds: [], chatTemplate: null, toolUseTemplate: null, specialTokens: {} };
  const text = 'the cat sat on the mat '.repeat(6000);
  const before = process.cpuUsage();
  const ids = new HFTokenizer({ ...none, json }).encode(text);
  const { user } = process.cpuUsage(before);
  t.same(ids, new HFTokenizer({ ...none, json: { ...json, pre_tokenizer: null } }).encode(text), 'one piece');
  // About 0.2 s; to look for a match from each place took half a second for an eighth of the text, by the square of its length.
  t.ok(user < 10e6, `${user / 1e6} s of CPU`);
  for (const behavior of ['MergedWithPrevious', 'MergedWithNext', 'Contiguous', 'Isolated'] as const) {
    const start = process.cpuUsage();
    pieces(split({ String: '▁▁' }, behavior))('▁a'.repeat(50_000));
    t.ok(process.cpuUsage(start).user < 10e6, behavior);
  }
});
