/**
 * Kimi K2: `<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{…}<|tool_call_end|>` for each call, between
 * `<|tool_calls_section_begin|>` and `…_end|>`. What stands before the arguments is the call's id; the name is its middle.
 */
import { literal } from '../../structured-output/ebnf.ts';
import { jsonArgumentsForm } from '../call-forms.ts';
import { kimiIds } from '../ids.ts';
import { jsonArguments } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

const call = '<|tool_call_begin|>';
const closing = ['<|tool_call_end|>', '<|tool_calls_section_end|>', '<|tool_call_section_end|>'];

export const kimiK2: ToolCallFormat = {
  tags: { '<|tool_calls_section_begin|>': closing, '<|tool_call_section_begin|>': closing, [call]: closing },
  *body(stream, tag) {
    if (tag !== call) {
      yield* stream.space();
      if (!(yield* stream.literal(call))) return false;
    }
    yield* stream.space();
    const id = yield* stream.name();
    const name = id.replace(/^functions\./, '').replace(/:\d+$/, '');
    yield* stream.space();
    // Any other id (`call_abc`) names no function, unless it is a function's name alone.
    if (!/:\d+$/.test(id) && !stream.knows(name)) return false;
    if (name === '' || !(yield* stream.literal('<|tool_call_argument_begin|>'))) return false;
    return yield* jsonArguments(stream, () => stream.start(name, id));
  },
  ids: kimiIds,
  form: () => ({
    open: `<|tool_calls_section_begin|>${call}`,
    separator: `<|tool_call_end|>${call}`,
    close: '<|tool_call_end|><|tool_calls_section_end|>',
    trigger: '<|tool_calls_section_begin|>',
    call: (name) => ({
      before: `${literal(`functions.${name}:`)} [0-9]{1,3} ${literal('<|tool_call_argument_begin|>')}`,
      after: '""',
    }),
    arguments: jsonArgumentsForm,
  }),
};
