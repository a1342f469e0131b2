import t from 'tap';
import type { ConstraintSpec } from '../../../src/engine/grammar/constraint.ts';
import { GrammarThread } from '../../../src/engine/grammar/grammar-thread.ts';
import { vocabularyOf } from '../../helpers/walk-grammar.ts';

const texts = ['a', 'b', 'ab', 'yes', 'no', '{', '}', '"', ':', '1', '<t>', ' '];
const stop = texts.length;
const vocabulary = vocabularyOf([...texts.map((text) => new TextEncoder().encode(text)), new Uint8Array()]);
const constraints = new GrammarThread(vocabulary, [stop]);
t.teardown(() => constraints.close());
const grammar = (text: string): ConstraintSpec => ({ kind: 'grammar', text, param: 'guided_grammar' });

function allowed(mask: Uint32Array | null): string[] | null {
  return mask && [...texts, 'STOP'].filter((_, id) => ((mask[id >> 5] >>> (id & 31)) & 1) === 1);
}

t.test('masks follow the grammar, tokens across its symbols included', async (t) => {
  const c = await constraints.open(grammar('root ::= "a" "b" ("yes" | "no")'), []);
  t.strictSame(allowed(await c.mask()), ['a', 'ab']);
  c.accept(texts.indexOf('ab'));
  t.strictSame(allowed(await c.mask()), ['yes', 'no']);
  c.accept(texts.indexOf('no'));
  t.strictSame(allowed(await c.mask()), ['STOP']);
  c.accept(stop);
  await c.mask();
  t.equal(c.error, null);
  c.close();
});

t.test('a request that moved to another engine goes on behind its output', async (t) => {
  const c = await constraints.open(grammar('root ::= "a" "b" "yes"'), [texts.indexOf('a'), texts.indexOf('b')]);
  t.strictSame(allowed(await c.mask()), ['yes']);
});

t.test('bad grammars say why and leave the others alone', async (t) => {
  const good = await constraints.open(grammar('root ::= "a" "b"'), []);
  const bad: [ConstraintSpec, RegExp][] = [
    [grammar('root ::= missing'), /guided_grammar: the grammar is unusable: .*"missing" is not defined/],
    [grammar('root ::= "a'), /string literal/],
    [
      { kind: 'structural_tag', text: '{"type":"structural_tag","format":{"type":"odd"}}', param: null },
      /structural_tag: .* unknown type/,
    ],
  ];
  for (const [spec, message] of bad) {
    await t.rejects(constraints.open(spec, []), { code: 'invalid_value', message, param: spec.param });
  }
  good.accept(texts.indexOf('a'));
  t.strictSame(allowed(await good.mask()), ['b']);
  const again = await constraints.open(grammar('root ::= "a" "b"'), []);
  t.strictSame(allowed(await again.mask()), ['a', 'ab'], 'a compiled grammar is used again from its beginning');
});

t.test('a structural tag holds only what is behind its tag', async (t) => {
  const tag = { type: 'tag', begin: '<t>', content: { type: 'regex', pattern: '1' }, end: 'no' };
  const text = JSON.stringify({
    type: 'structural_tag',
    format: { type: 'triggered_tags', triggers: ['<t>'], tags: [tag] },
  });
  const c = await constraints.open({ kind: 'structural_tag', text, param: null }, []);
  t.equal(allowed(await c.mask())?.length ?? texts.length + 1, texts.length + 1, 'free text');
  c.accept(texts.indexOf('<t>'));
  t.strictSame(allowed(await c.mask()), ['1']);
});

t.test('a token against the grammar ends its own request only', async (t) => {
  const wrong = await constraints.open(grammar('root ::= "a" "b"'), []);
  const right = await constraints.open(grammar('root ::= "a" "b"'), []);
  wrong.accept(texts.indexOf('yes'));
  t.equal(await wrong.mask(), null);
  t.match(wrong.error, { code: 'internal_error' });
  t.strictSame(allowed(await right.mask()), ['a', 'ab']);
});
