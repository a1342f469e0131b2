// Grammars that requests bring: classes beyond ASCII are characters, not bytes; all else is left as it came.
import t from 'tap';
import { completionConstraint } from '../../../src/text/structured-output/output-constraint.ts';
import { ownEbnf } from '../../../src/text/structured-output/own-ebnf.ts';
import { behindThoughts } from '../../../src/text/structured-output/structural-tag.ts';
import { startFakeServer } from '../../helpers/fake-server.ts';
import { GrammarWalker } from '../../helpers/walk-grammar.ts';

const walker = await GrammarWalker.create(3);

/** Grammar, texts of it, others. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['root ::= [а-я]+', ['привет', 'я'], ['Привет', 'x', 'ѐ', '']],
  ['root ::= [一-龥]{2}', ['漢字'], ['漢', '漢a', '漢字漢']],
  ['root ::= [a-cé]*', ['', 'aéb'], ['è', 'd']],
  ['root ::= [^é]', ['e', 'è', '漢', '😀', '^'], ['é', 'ee']],
  ['root ::= [^a-yé-ü]', ['z', 'ÿ', '漢'], ['a', 'é', 'ö', 'ü']],
  ['root ::= [\\u00e9\\U0001f600-\\U0001f603]', ['é', '😀', '😃'], ['😄', 'u']],
  ['root ::= [\\xe9-\\xeb]', ['é', 'ê'], ['è', 'ì']],
  ['root ::= [é\\]\\-a]', ['é', ']', '-', 'a'], ['\\', 'b']],
  ['root ::= "[é]" | "\\"[ü" # [ö] "\n | "ö"', ['[é]', '"[ü', 'ö'], ['é', 'ü']],
  ['root ::= ([é-ü] "x")+ ("é" | word)\nword ::= [ß]', ['éxé', 'üxéxß'], ['éx', 'xé']],
];

t.test('classes beyond ASCII', async (t) => {
  for (const [text, inside, outside] of cases) {
    const spec = completionConstraint({ guided_grammar: text })!;
    for (const one of inside) t.ok(await walker.accepts(spec, one), `${text}: ${one}`);
    for (const one of outside) t.notOk(await walker.accepts(spec, one), `${text}: not ${one}`);
  }
});

t.test('what is ASCII stays as it came', async (t) => {
  for (const text of ['root ::= [a-z] "é" [^\\n"] # [é', 'root ::= "\\"[" [\\]"] b\nb ::= ( [0-9] | root )*'])
    t.equal(ownEbnf(text), text);
});

t.test('what is never closed is left as it came, in linear time', async (t) => {
  for (const rest of ['[', '"\\', '[\\]', '" ["\n']) {
    const text = `root ::= [é] ["] "[" ${rest.repeat(100_000)}`;
    const before = process.cpuUsage();
    const written = completionConstraint({ guided_grammar: text })!.text;
    // Some milliseconds; a search from each bracket took 0.15 s for 8,000 of them, and by the square more for more.
    t.ok(process.cpuUsage(before).user < 5e6, rest);
    t.ok(written.endsWith(text.slice(14)), rest);
    t.notMatch(written.slice(0, 40), 'é', 'what stands before it is written anew');
  }
});

t.test('what cannot be read is refused by name', async (t) => {
  for (const [text, message] of [
    ['root ::= [é\\d]', /^guided_grammar: the class \[é\\d\] has an escape that is not known/],
    ['root ::= [ü-é]', /^guided_grammar: .*a range out of order/],
    ['root ::= [\\Uffffffff]', /^guided_grammar: .*beyond U\+10FFFF/],
    ['root ::= [^\\x0-\\x10ffff]', /^guided_grammar: .*no character/],
  ] as const) {
    const asked = () => completionConstraint({ guided_grammar: text });
    t.throws(asked, { code: 'invalid_value', param: 'guided_grammar', message }, text);
  }
});

t.test('through the server, under every name, and inside of structural tags', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const tag = (content: object) => JSON.stringify({ type: 'structural_tag', format: content });
  const grammar = 'root ::= [é-ü]+';
  for (const fields of [
    { guided_grammar: grammar },
    { ebnf: grammar },
    { grammar },
    { structured_outputs: { grammar } },
    { structural_tag: tag({ type: 'grammar', grammar }) },
    { structural_tag: tag({ type: 'regex', pattern: '[é-ü]+' }) },
  ]) {
    t.equal((await post('/v1/completions', { prompt: 'a', ...fields })).status, 200);
    const spec = engine.calls.at(-1)!.params.constraint!;
    t.ok(await walker.accepts(spec, 'éü'), JSON.stringify(fields));
    for (const other of ['e', 'ÿ', 'Ã']) t.notOk(await walker.accepts(spec, other), JSON.stringify(fields));
    const thoughtful = behindThoughts(spec, 'root ::= "t"');
    t.ok(await walker.accepts(thoughtful, 'té'), 'behind thoughts it is not written anew');
    t.notOk(await walker.accepts(thoughtful, 'tÃ'));
  }
});
