import t from 'tap';
import { checkCost, isHeavy } from '../../../src/engine/grammar/grammar-cost.ts';
import type { ConstraintSpec } from '../../../src/engine/grammar/constraint.ts';
import { GrammarThread } from '../../../src/engine/grammar/grammar-thread.ts';
import { GrammarThreads } from '../../../src/engine/grammar/grammar-threads.ts';
import { vocabularyOf } from '../../helpers/walk-grammar.ts';

const texts = ['a', 'b', 'ab', 'yes', 'no', '{', '}', '"', ':', '1', '<t>', ' '];
const stop = texts.length;
const vocabulary = vocabularyOf([...texts.map((text) => new TextEncoder().encode(text)), new Uint8Array()]);
const constraints = new GrammarThreads(vocabulary, [stop]);
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

// A few characters that xgrammar 0.1.27 does not come back from.
const endless = 'root ::= (("a"{1,1000}){1,1000}){1,1000}';

t.test('grammars that xgrammar would write out without end are refused before it sees them', async (t) => {
  const tag = { type: 'tag', begin: '<t>', content: { type: 'grammar', grammar: endless }, end: 'no' };
  const refused: [ConstraintSpec, RegExp][] = [
    [grammar(endless), /^guided_grammar: written out, the grammar has more than \d+ symbols/],
    [grammar('root ::= ' + '[^a]{1,1000} "b" '.repeat(30)), /^guided_grammar: .* places where most characters/],
    [grammar('root ::= "a"\n' + Array.from({ length: 30_000 }, (_, i) => `r${i} ::= "b"\n`).join('')), /rules/],
    [{ kind: 'structural_tag', text: JSON.stringify({ type: 'structural_tag', format: tag }), param: null }, /symbols/],
  ];
  for (const [spec, message] of refused) {
    await t.rejects(constraints.open(spec, []), { code: 'invalid_value', message, param: spec.param });
  }
  const large = await constraints.open(grammar('root ::= ("a"{1,1000}){1,1000} "b"'), []);
  t.strictSame(allowed(await large.mask()), ['a', 'ab'], 'a large one is made');
  large.close();
});

t.test('what opens and never closes is looked at once: by the square it would take minutes', (t) => {
  const many = 500_000;
  for (const open of ['[', '"\\"', '[\\]']) t.equal(isHeavy(checkCost(grammar(open.repeat(many)))), false, open);
  const tag = { type: 'structural_tag', format: { type: 'const_string', value: '['.repeat(many) } };
  const cost = checkCost({ kind: 'structural_tag', text: JSON.stringify(tag), param: null });
  t.ok(cost.symbols > many && cost.wide === 0, 'a text of a tag is no grammar');
  t.end();
});

t.test('a thread that hangs is replaced; the others go on where they were', async (t) => {
  const thread = new GrammarThread(vocabulary, [stop], 5);
  t.teardown(() => thread.close());
  const running = await thread.open(grammar('root ::= "a" "b" "yes"'), []);
  const between = await thread.open(grammar('root ::= "a" "b" "no"'), []);
  between.accept(texts.indexOf('a'));
  t.strictSame(allowed(await between.mask()), ['b']);
  const hanging = thread.open(grammar(endless), []);
  const gone = new AbortController();
  const left = thread.open(grammar('root ::= "{"'), [], gone.signal);
  const waiting = thread.open(grammar('root ::= "1"'), []);
  running.accept(texts.indexOf('a'));
  gone.abort();
  await t.rejects(left, { name: 'AbortError' });
  await t.rejects(hanging, {
    code: 'invalid_value',
    message: /^guided_grammar: .*more than 5 s/,
    param: 'guided_grammar',
  });
  t.strictSame(allowed(await running.mask()), ['b'], 'its token waited for the thread that hung');
  t.strictSame(allowed(await (await waiting).mask()), ['1']);
  between.accept(texts.indexOf('b'));
  t.strictSame(allowed(await between.mask()), ['no'], 'had nothing to do meanwhile');
  t.equal(running.error ?? between.error, null);
});

t.test('grammars that take long share no thread while they are used', async (t) => {
  const large = (end: string): ConstraintSpec =>
    grammar(`root ::= ("a"{1,1000}){1,1000} "ab"{1,1000} ("${end}" "a"{1,1000}){1,300}`);
  const [first, again, second] = await Promise.all([
    constraints.open(large('b'), []),
    constraints.open(large('b'), []),
    constraints.open(large('no'), []),
  ]);
  let isOpen = false;
  const third = constraints.open(large('yes'), []).then((c) => ((isOpen = true), c));
  const light = await constraints.open(grammar('root ::= "1"'), []);
  t.strictSame(allowed(await light.mask()), ['1']);
  first.close();
  const more = await constraints.open(large('no'), []);
  t.notOk(isOpen, 'waits while both threads are used');
  again.close();
  t.strictSame(allowed(await (await third).mask()), ['a']);
  for (const c of [second, more, light, await third]) c.close();
});
