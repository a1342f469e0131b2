/**
 * Llama 3.1–3.3: `{"name": "f", "parameters": {…}}`, alone or after `<|python_tag|>`; several are joined by `; `.
 * There is no tag around a call, so an object with other keys is text, and inside prose only a declared tool's name counts.
 */
import { jsonCallForm } from '../call-forms.ts';
import { openAiIds } from '../ids.ts';
import { jsonAsText, jsonCall } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

export const llama3: ToolCallFormat = {
  tags: { '{': [], '<|python_tag|>': [] },
  between: ' \t\r\n;',
  *body(stream, tag) {
    if (tag !== '{') {
      yield* stream.space();
      if (!(yield* stream.literal('{'))) return false;
    }
    const before = stream.callCount;
    const ok = yield* jsonCall(stream, { bare: true });
    if (ok) stream.claim();
    else if (stream.callCount === before) yield* jsonAsText(stream);
    return ok;
  },
  ids: openAiIds,
  form: () => ({ open: '', separator: '; ', close: '', trigger: null, ...jsonCallForm('parameters') }),
};
