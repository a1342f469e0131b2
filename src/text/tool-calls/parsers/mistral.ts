/**
 * Mistral. Up to tokenizer v7: `[TOOL_CALLS] [{"name": "f", "arguments": {…}, "id": "abc123XYZ"}, …]`. From v11:
 * `[TOOL_CALLS]f[ARGS]{…}` for each call, in between `[CALL_ID]abc123XYZ` (v11); without special tokens `f{…}` remains of it.
 */
import { literal } from '../../structured-output/ebnf.ts';
import { jsonArgumentsForm, listForm } from '../call-forms.ts';
import { mistralIds } from '../ids.ts';
import { jsonArguments, jsonCalls } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

export const mistral: ToolCallFormat = {
  tags: { '[TOOL_CALLS]': [] },
  *body(stream) {
    const next = yield* stream.space();
    if (next === '[' || next === '{') return yield* jsonCalls(stream, { idFollows: true });
    const name = yield* stream.name();
    if (name === '') return false;
    let id: string | null = null;
    if ((yield* stream.space()) === '[') {
      const tag = yield* stream.oneOf(['[ARGS]', '[CALL_ID]']);
      if (tag === '[CALL_ID]') {
        id = yield* stream.name();
        if (id === '' || !(yield* stream.literal('[ARGS]'))) return false;
      } else if (tag === null) return false;
    }
    return yield* jsonArguments(stream, () => stream.start(name, id));
  },
  ids: mistralIds,
  form: (template) => {
    if (!template.includes('[ARGS]')) return listForm('[TOOL_CALLS] [', ']', '[TOOL_CALLS]');
    return {
      open: '[TOOL_CALLS]',
      separator: '[TOOL_CALLS]',
      close: '',
      trigger: '[TOOL_CALLS]',
      call: (name) => ({ before: literal(`${name}[ARGS]`), after: '""' }),
      arguments: jsonArgumentsForm,
    };
  },
};
