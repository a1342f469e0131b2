/** xLAM: a list `[{"name": "f", "arguments": {…}}]`, bare, in a code fence, in `<tool_call>` or after `[TOOL_CALLS]`. */
import { listForm } from '../call-forms.ts';
import { openAiIds } from '../ids.ts';
import { jsonCalls, jsonAsText } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

export const xlam: ToolCallFormat = {
  tags: { '<tool_call>': ['</tool_call>'], '```': ['```'], '[': [] },
  *body(stream, tag) {
    if (tag === '<tool_call>') return yield* jsonCalls(stream);
    if (tag === '```') {
      if ((yield* stream.space()) === 'j' && !(yield* stream.literal('json'))) return false;
      return (yield* stream.space()) === '[' && (yield* jsonCalls(stream, { bare: true }));
    }
    if (!(yield* stream.more())) return false;
    if (stream.chunk.charAt(stream.at) === 'T') {
      return (yield* stream.literal('TOOL_CALLS]')) && (yield* jsonCalls(stream));
    }
    const before = stream.callCount;
    const ok = yield* jsonCalls(stream, { bare: true, isListOpen: true });
    if (!ok && stream.callCount === before) yield* jsonAsText(stream);
    return ok;
  },
  ids: openAiIds,
  form: () => listForm('[', ']', null),
};
