import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { createToolCallParser, toolCallParserNames } from '../../../src/text/tool-calls/create-parser.ts';
import { caseTools, Merged, toolCallCases, type ToolCallCase } from '../../helpers/tool-call-cases.ts';

/** Splits by code points: a decoder never cuts a character. */
function parse(name: string, { text, tools, end }: ToolCallCase, sizes: readonly number[]): Merged {
  const parser = createToolCallParser(name, tools ?? caseTools);
  const merged = new Merged();
  const characters = [...text];
  for (let at = 0, i = 0; at < characters.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    merged.add(parser.push(characters.slice(at, at + size).join('')));
    at += size;
  }
  merged.add(parser.end(end ?? 'eos'));
  return merged;
}

const outcome = ({ content, calls }: Merged) => ({ content, calls: calls.map((call) => [call.name, call.arguments]) });

for (const name of toolCallParserNames) {
  t.test(name, (t) => {
    for (const c of toolCallCases[name] ?? []) {
      const expected = { content: c.content ?? '', calls: (c.calls ?? []).map(([called, args]) => [called, args]) };
      const whole = parse(name, c, [Infinity]);
      t.strictSame(outcome(whole), expected, `${c.title}: whole`);
      t.strictSame(outcome(parse(name, c, [1])), expected, `${c.title}: every character`);
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }), (sizes) => {
          assert.deepEqual(outcome(parse(name, c, sizes)), expected, c.title);
        }),
        { numRuns: 30 },
      );
      c.calls?.forEach(([, , id], i) => {
        if (id !== undefined) t.equal(whole.calls[i]?.id, id, `${c.title}: id`);
      });
      t.ok(
        whole.calls.every(({ id }) => idForm(name).test(id)),
        `${c.title}: form of the ids`,
      );
      t.equal(new Set(whole.calls.map(({ id }) => id)).size, whole.calls.length, `${c.title}: no id twice`);
    }
    t.ok((toolCallCases[name] ?? []).length > 5, 'has cases');
    t.end();
  });
}

function idForm(name: string): RegExp {
  if (name === 'mistral') return /^[a-zA-Z0-9]{9}$/;
  return name === 'kimi_k2' ? /^[\w.-]+:\d+$/ : /^call_[0-9a-f]{24}$/;
}
