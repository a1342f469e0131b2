/** Phi-4-mini: `functools[{"name": "f", "arguments": {…}}, …]`. */
import { listForm } from '../call-forms.ts';
import { openAiIds } from '../ids.ts';
import { jsonCalls } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

export const phi4Mini: ToolCallFormat = {
  tags: { functools: [] },
  *body(stream) {
    return (yield* stream.space()) === '[' && (yield* jsonCalls(stream));
  },
  ids: openAiIds,
  form: () => listForm('functools[', ']', 'functools['),
};
