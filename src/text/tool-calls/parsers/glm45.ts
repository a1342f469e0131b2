/**
 * GLM-4.5 and 4.6: `<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>v</arg_value>\n</tool_call>`. A value that the schema calls a
 * string is taken as it stands, white space and all; any other is read as JSON, then as Python.
 */
import { literal } from '../../structured-output/ebnf.ts';
import { markedArgumentsForm } from '../marked-form.ts';
import { ArgumentsWriter } from '../arguments-writer.ts';
import { openAiIds } from '../ids.ts';
import { endMarked, markedName, markedValue } from '../marked-parameters.ts';
import { parameterTypes } from '../schema-types.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

const argument = '<arg_key>';
const close = '</tool_call>';
const ends = ['</arg_value>'];

export const glm45: ToolCallFormat = {
  tags: { '<tool_call>': [] },
  *body(stream) {
    yield* stream.space();
    const name = yield* stream.name();
    yield* stream.space();
    if (name === '') return false;
    let next = yield* stream.oneOf([argument, close]);
    if (next === null) return false;
    stream.start(name);
    const writer = new ArgumentsWriter(stream);
    while (next === argument) {
      const key = yield* markedName(stream, '</arg_key>');
      if (key === null) return endMarked(stream, writer);
      yield* stream.space();
      if (!(yield* stream.literal('<arg_value>'))) return endMarked(stream, writer, `${argument}${key}`);
      writer.key(key);
      const types = parameterTypes(stream.parameters(name), key);
      const end = yield* markedValue(stream, writer, types, { ends, untyped: 'any' });
      stream.claim();
      yield* stream.space();
      next = end === null ? null : yield* stream.oneOf([argument, close]);
    }
    if (next === null) return endMarked(stream, writer);
    writer.close();
    return true;
  },
  ids: openAiIds,
  form: () => ({
    open: '',
    separator: '\n',
    close: '',
    trigger: '<tool_call>',
    call: (name) => ({ before: literal(`<tool_call>${name}\n`), after: literal(close) }),
    arguments: markedArgumentsForm({
      open: argument,
      then: () => '</arg_key>\n<arg_value>',
      close: '</arg_value>\n',
      ends,
    }),
  }),
};
