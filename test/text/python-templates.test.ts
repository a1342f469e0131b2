/** The template layer beside Python's jinja2: scripts/make-template-fixtures.py recorded what that renders. */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { TemplateError, templateMessage } from '../../src/text/chat-template/jinja/errors.ts';
import { parseJson } from '../../src/text/chat-template/jinja/parse-json.ts';
import { compileTemplate, type Render } from '../../src/text/chat-template/jinja/template.ts';
import { Callable } from '../../src/text/chat-template/jinja/values.ts';
import { strftime } from '../../src/text/chat-template/strftime.ts';

const folder = new URL('../fixtures/chat-templates/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

/** What a template gives: text, the message that it raises itself, or that it fails in another way. */
type Outcome = string | { raised: string } | { fails: string };

const strftimeNow = new Callable('strftime_now', ([format]) =>
  strftime(new Date(2026, 4, 3, 14, 5, 9), format as string),
);
const specialTokens = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>', unk_token: '<unk>' };

function outcomeOf(render: () => string): Outcome {
  try {
    return render();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return error.raisedByTemplate ? { raised: error.message } : { fails: templateMessage(error) };
  }
}

/** Python's own words for a failure are not ours; that it fails must agree. */
const comparable = (outcome: Outcome) => (typeof outcome === 'object' && 'fails' in outcome ? 'fails' : outcome);

t.test('templates of published models render what Python renders, byte for byte', async (t) => {
  const conversations = JSON.parse(read('conversations.json')) as Record<string, object>;
  const prompts = JSON.parse(gunzipSync(readFileSync(new URL('prompts.json.gz', folder))).toString()) as [
    template: string,
    conversation: string,
    expected: Outcome,
  ][];
  const names = readdirSync(folder).filter((name) => name.endsWith('.jinja'));
  t.ok(names.length >= 30, `${names.length} templates`);
  t.equal(prompts.length, names.length * Object.keys(conversations).length, 'the record has all of them');
  const renders = new Map<string, Render>(names.map((name) => [name, compileTemplate(read(name))]));
  for (const [name, conversation, expected] of prompts) {
    const variables = { ...specialTokens, strftime_now: strftimeNow, ...conversations[conversation] };
    const outcome = outcomeOf(() => renders.get(name)!(variables));
    t.same(comparable(outcome), comparable(expected), `${name}, ${conversation}`);
  }
});

for (const name of ['cases.json', 'random.json']) {
  t.test(`expressions and statements one by one: ${name}`, async (t) => {
    const variables = (parseJson(read('values.json')) as Record<string, unknown>[])[0];
    for (const [line, expected] of JSON.parse(read(name)) as [string, Outcome][]) {
      const source = line.replaceAll('⏎', '\n').replaceAll('␍', '\r');
      const outcome = outcomeOf(() => compileTemplate(source)({ strftime_now: strftimeNow, ...variables }));
      t.same(comparable(outcome), comparable(expected), line);
    }
  });
}

t.test('what is not known is an error that names the line', async (t) => {
  const fails = (source: string) => {
    const outcome = outcomeOf(() => compileTemplate(source)({ s: 'text', d: {} }));
    return typeof outcome === 'object' && 'fails' in outcome ? outcome.fails : outcome;
  };
  t.equal(fails("\n\n{% include 'x' %}"), 'line 3 of the template: Unknown statement type: include');
  t.match(fails('a\n{{ s | urlize }}'), /^line 2 of the template: the filter 'urlize' is not known; known are abs/);
  t.match(fails('a\n{{ s is nice }}'), /^line 2 of the template: the test 'nice' is not known; known are boolean/);
  t.equal(fails('{% if s %}\n\n{% elif d %}\n{% else %}'), 'line 4 of the template: a block or bracket is not closed');
  t.equal(fails('{% if no %}\n\n{% elif no.thing %}{% endif %}'), "line 3 of the template: 'no' is undefined");
  t.equal(fails('\n{{ s '), 'line 2 of the template: a tag is not closed');
  t.equal(fails('{# a'), 'line 1 of the template: a comment is not closed');
  t.equal(
    fails('{% macro m() %}\n{{ d.x.y }}{% endmacro %}\n\n{{ m() }}'),
    "line 2 of the template: 'dict object' has no attribute 'x'",
  );
  t.equal(fails('{{ s.encode() }}'), "line 1 of the template: 'str object' has no attribute 'encode'");
  t.match(
    fails('\n{% for x in [1] %}{{ loop([2]) }}{% endfor %}'),
    /^line 2 of the template: only a loop with 'recursive'/,
  );
  t.match(fails('{% for x in [1] recursive %}\n{{ loop([2]) }}{% endfor %}'), /loops call each other without end/);
  t.match(fails('\n{% filter upper | lower %}{% endfilter %}'), /^line 2 of the template: /);
  t.match(
    fails('{% macro m() %}{{ m() }}{% endmacro %}\n{{ m() }}'),
    /macros or recursive loops call each other without end/,
  );
});
