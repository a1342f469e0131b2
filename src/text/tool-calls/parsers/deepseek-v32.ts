/**
 * DeepSeek V3.2: `<｜DSML｜invoke name="f"><｜DSML｜parameter name="a" string="true">x</｜DSML｜parameter></｜DSML｜invoke>` for each
 * call, between `<｜DSML｜function_calls>` tags (V4: `tool_calls`, and `<｜DSML｜invoke name="f"/>` without arguments).
 * `string="true"` is text as it stands, `"false"` is JSON; the schema is not asked.
 */
import { literal } from '../../structured-output/ebnf.ts';
import { markedArgumentsForm } from '../marked-form.ts';
import { ArgumentsWriter } from '../arguments-writer.ts';
import { openAiIds } from '../ids.ts';
import { endMarked, markedName, markedValue } from '../marked-parameters.ts';
import type { JsonType } from '../schema-types.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

const invoke = '<｜DSML｜invoke name="';
const parameter = '<｜DSML｜parameter name="';
const close = '</｜DSML｜invoke>';
const ends = ['</｜DSML｜parameter>'];
const sections = ['function_calls', 'tool_calls'];
const closing = sections.map((name) => `</｜DSML｜${name}>`);
const text: ReadonlySet<JsonType> = new Set(['string']);
const unknown: ReadonlySet<JsonType> = new Set();

export const deepseekV32: ToolCallFormat = {
  tags: Object.fromEntries([...sections.map((name) => `<｜DSML｜${name}>`), invoke].map((tag) => [tag, closing])),
  *body(stream, tag) {
    if (tag !== invoke) {
      yield* stream.space();
      if (!(yield* stream.literal(invoke))) return false;
    }
    const name = yield* stream.name();
    if (name === '' || !(yield* stream.literal('"'))) return false;
    yield* stream.space();
    const isEmpty = yield* stream.oneOf(['>', '/>']);
    if (isEmpty === null) return false;
    yield* stream.space();
    let next = isEmpty === '/>' ? close : yield* stream.oneOf([parameter, close]);
    if (next === null) return false;
    stream.start(name);
    const writer = new ArgumentsWriter(stream);
    while (next === parameter) {
      const key = yield* markedName(stream, '"');
      const isString = key === null ? null : yield* markedName(stream, '>');
      if (key === null || isString === null) return endMarked(stream, writer);
      writer.key(key);
      const types = isString.includes('false') ? unknown : text;
      const end = yield* markedValue(stream, writer, types, { ends, untyped: 'any' });
      stream.claim();
      yield* stream.space();
      next = end === null ? null : yield* stream.oneOf([parameter, close]);
    }
    if (next === null) return endMarked(stream, writer);
    writer.close();
    return true;
  },
  ids: openAiIds,
  form: () => ({
    open: '<｜DSML｜function_calls>\n',
    separator: '',
    close: '</｜DSML｜function_calls>',
    trigger: '<｜DSML｜function_calls>',
    call: (name) => ({ before: literal(`${invoke}${name}">\n`), after: literal(`${close}\n`) }),
    arguments: markedArgumentsForm({
      open: parameter,
      then: (isText) => `" string="${isText}">`,
      close: '</｜DSML｜parameter>\n',
      ends,
    }),
  }),
};
