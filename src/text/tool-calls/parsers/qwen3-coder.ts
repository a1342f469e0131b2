/**
 * Qwen3-Coder: `<tool_call>\n<function=f>\n<parameter=a>\nvalue\n</parameter>\n</function>\n</tool_call>`, the outer tag
 * optional. Values are bare text: the tool's schema says of what type. A forgotten `</parameter>` is forgiven where the next
 * line goes on with the format.
 */
import { literal } from '../../structured-output/ebnf.ts';
import { markedArgumentsForm } from '../marked-form.ts';
import { ArgumentsWriter } from '../arguments-writer.ts';
import { openAiIds } from '../ids.ts';
import { endMarked, markedName, markedValue } from '../marked-parameters.ts';
import { parameterTypes } from '../schema-types.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

const open = '<function=';
const parameter = '<parameter=';
const close = '</function>';
const ends = ['\n</parameter>', '</parameter>', `\n${parameter}`, `\n${close}`];

export const qwen3Coder: ToolCallFormat = {
  tags: { '<tool_call>': ['</tool_call>'], [open]: ['</tool_call>'] },
  *body(stream, tag) {
    if (tag !== open) {
      yield* stream.space();
      if (!(yield* stream.literal(open))) return false;
    }
    const name = yield* stream.name();
    if (name === '' || !(yield* stream.literal('>'))) return false;
    yield* stream.space();
    let next = yield* stream.oneOf([parameter, close]);
    if (next === null) return false;
    stream.start(name);
    const writer = new ArgumentsWriter(stream);
    while (next === parameter) {
      const key = yield* markedName(stream, '>');
      if (key === null) return endMarked(stream, writer);
      writer.key(key);
      const types = parameterTypes(stream.parameters(name), key);
      const end = yield* markedValue(stream, writer, types, { ends, trimsNewline: true, untyped: 'string' });
      next = end?.trimStart() ?? null;
      if (next === null || !next.endsWith('</parameter>')) continue;
      stream.claim();
      yield* stream.space();
      next = yield* stream.oneOf([parameter, close]);
    }
    if (next === null) return endMarked(stream, writer);
    writer.close();
    return true;
  },
  ids: openAiIds,
  form: () => ({
    open: '<tool_call>\n',
    separator: '\n</tool_call>\n<tool_call>\n',
    close: '\n</tool_call>',
    trigger: '<tool_call>',
    call: (name) => ({ before: literal(`${open}${name}>\n`), after: literal(close) }),
    arguments: markedArgumentsForm({ open: parameter, then: () => '>\n', close: '\n</parameter>\n', ends }),
  }),
};
