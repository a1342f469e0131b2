import fc from 'fast-check';
import t from 'tap';
import { createToolCallParser, toolCallParserNames } from '../../../src/text/tool-calls/create-parser.ts';
import { checkFuzzInput, fuzzInput } from '../../helpers/fuzz-tool-calls.ts';
import { caseTools, toolCallCases } from '../../helpers/tool-call-cases.ts';

// A million runs: bench/parsers/fuzz.ts.
t.test('damaged output, cut anywhere: no exception, no loss, the same result', (t) => {
  const numRuns = Number(process.env.FUZZ_RUNS ?? 2000);
  t.doesNotThrow(() => fc.assert(fc.property(fuzzInput, checkFuzzInput), { numRuns }));
  t.end();
});

t.test('work grows in proportion to the length, a character at a time', (t) => {
  for (const name of toolCallParserNames) {
    const seed = toolCallCases[name]?.find(({ text, calls }) => text.includes('Paris') && calls?.length === 1)?.text;
    if (seed === undefined) throw new Error(`no call with Paris among the cases of ${name}`);
    const arguments_ = (length: number) => seed.replace('Paris', 'Paris, "é" '.replaceAll('"', '').repeat(length / 9));
    const nested = (length: number) => '<tool_call>{"arguments": {"a": ['.repeat(length / 30);
    for (const of of [arguments_, nested]) {
      const ratio = characterOperations(name, of(16_000)) / characterOperations(name, of(4000));
      t.ok(ratio < 4.6, `${name}: 4 times the text, ${ratio.toFixed(2)} times the work`);
    }
  }
  t.end();
});

/** Counts the characters that string operations touch while `text` goes through the parser. */
function characterOperations(name: string, text: string): number {
  const parser = createToolCallParser(name, caseTools);
  let count = 0;
  const counted = ['charAt', 'charCodeAt', 'slice', 'startsWith', 'trim', 'replace'] as const;
  const originals = counted.map(
    (method) => [method, Object.getOwnPropertyDescriptor(String.prototype, method)] as const,
  );
  const join = Object.getOwnPropertyDescriptor(Array.prototype, 'join');
  for (const [method, descriptor] of originals) {
    const original = descriptor?.value as (this: string, ...args: unknown[]) => unknown;
    const isOneCharacter = method === 'charAt' || method === 'charCodeAt';
    Object.defineProperty(String.prototype, method, {
      ...descriptor,
      value: function (this: string, ...args: unknown[]) {
        count += isOneCharacter ? 1 : this.length;
        return original.apply(this, args);
      },
    });
  }
  Object.defineProperty(Array.prototype, 'join', {
    ...join,
    value: function (this: unknown[], separator?: string) {
      count += this.length;
      return (join?.value as (this: unknown[], separator?: string) => string).call(this, separator);
    },
  });
  try {
    for (let i = 0; i < text.length; i++) parser.push(text[i] ?? '');
    parser.end('eos');
  } finally {
    for (const [method, descriptor] of originals) Object.defineProperty(String.prototype, method, descriptor ?? {});
    Object.defineProperty(Array.prototype, 'join', join ?? {});
  }
  return count;
}
