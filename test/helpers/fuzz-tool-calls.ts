/** Random model output for the tool-call parsers: real cases joined, damaged and cut into chunks anywhere. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createToolCallParser, toolCallParserNames } from '../../src/text/tool-calls/create-parser.ts';
import type { EndReason } from '../../src/text/tool-calls/types.ts';
import { caseTools, Merged, toolCallCases } from './tool-call-cases.ts';

/** What is put into the text: every format's tags and what JSON, Python and XML are made of. */
const fragments = [
  ...'{}[]()<>"\':,;=\\|`/\n \t0-.e',
  ...[
    '<tool_call>',
    '</tool_call>',
    '<|tool_call>',
    '<tool_call|>',
    '<|tool_call|>',
    '<function_call>',
    '[TOOL_CALLS]',
  ],
  ...['[ARGS]', '[CALL_ID]', '<function=', '</function>', '<parameter=', '</parameter>', '<arg_key>', '</arg_key>'],
  ...[
    '<arg_value>',
    '</arg_value>',
    '<|python_tag|>',
    '<|python_start|>',
    '<|python_end|>',
    'functools[',
    '```json',
    '```',
  ],
  ...[
    '<｜tool▁calls▁begin｜>',
    '<｜tool▁call▁begin｜>',
    '<｜tool▁sep｜>',
    '<｜tool▁call▁end｜>',
    '<｜tool▁calls▁end｜>',
  ],
  ...[
    '<｜DSML｜invoke name="',
    '<｜DSML｜parameter name="',
    '</｜DSML｜parameter>',
    '</｜DSML｜invoke>',
    '<|"|>',
    '<escape>',
  ],
  ...['<|tool_calls_section_begin|>', '<|tool_call_begin|>', '<|tool_call_argument_begin|>', '<|tool_call_end|>'],
  ...[
    '<start_function_call>',
    'call:',
    'functions.',
    '"name"',
    '"arguments"',
    '"parameters"',
    '"id"',
    'now',
    'get_weather',
  ],
  ...[
    'null',
    'true',
    'None',
    '😀',
    '\\u00e9',
    '\\ud83d',
    '\0',
    '\u2028',
    '{"name": "now", "arguments": {}}',
    '"{\\"a\\": ',
  ],
];

type Mutation = readonly ['delete' | 'repeat' | 'insert' | 'cut', number, number, number];

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.constantFrom('delete', 'repeat', 'insert', 'insert', 'cut'),
  fraction,
  fc.integer({ min: 1, max: 12 }),
  fc.nat({ max: fragments.length - 1 }),
);

export interface FuzzInput {
  readonly name: string;
  readonly text: string;
  /** Chunk lengths in UTF-16 units, over and over. */
  readonly sizes: readonly number[];
  readonly end: EndReason;
}

export const fuzzInput: fc.Arbitrary<FuzzInput> = fc
  .record({
    name: fc.constantFrom(...toolCallParserNames),
    picks: fc.array(fraction, { minLength: 1, maxLength: 3 }),
    mutations: fc.array(mutation, { maxLength: 5 }),
    sizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }),
    end: fc.constantFrom<EndReason>('eos', 'length'),
  })
  .map(({ name, picks, mutations, sizes, end }) => {
    const cases = toolCallCases[name] ?? [];
    const whole = picks.map((pick) => cases[Math.floor(pick * cases.length)]?.text ?? '').join('');
    return { name, sizes, end, text: mutations.reduce(damage, whole) };
  });

function damage(text: string, [kind, where, length, fragment]: Mutation): string {
  const at = Math.floor(where * text.length);
  if (kind === 'cut') return text.slice(0, at);
  if (kind === 'insert') return text.slice(0, at) + (fragments[fragment] ?? '') + text.slice(at);
  return (
    text.slice(0, at) +
    (kind === 'repeat' ? text.slice(at, at + length) : '') +
    text.slice(at + (kind === 'repeat' ? 0 : length))
  );
}

function parse({ name, text, end }: FuzzInput, sizes: readonly number[]): Merged {
  const parser = createToolCallParser(name, caseTools);
  const merged = new Merged();
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    merged.add(parser.push(text.slice(at, at + size)));
    at += size;
  }
  merged.add(parser.end(end));
  return merged;
}

/** Throws unless the parser keeps its promises on this input. */
export function checkFuzzInput(input: FuzzInput): void {
  const whole = parse(input, [Infinity]);
  const cut = parse(input, input.sizes);
  assert.equal(cut.content, whole.content, 'the content depends on the chunks');
  assert.deepEqual(
    cut.calls.map((call) => [call.name, call.arguments]),
    whole.calls.map((call) => [call.name, call.arguments]),
    'the calls depend on the chunks',
  );
  if (whole.calls.length === 0) assert.equal(whole.content, input.text, 'text that is no call was changed');
  for (const call of whole.calls) assert.ok(call.name.length > 0, 'a call without a name');
}
