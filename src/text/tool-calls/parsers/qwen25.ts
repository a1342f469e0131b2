/** Qwen 2.5, Qwen 3, Hermes: `<tool_call>\n{"name": "f", "arguments": {…}}\n</tool_call>` for each call. */
import { jsonCallForm } from '../call-forms.ts';
import { openAiIds } from '../ids.ts';
import { jsonCalls } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

export const qwen25: ToolCallFormat = {
  tags: { '<tool_call>': ['</tool_call>'] },
  body: (stream) => jsonCalls(stream),
  ids: openAiIds,
  form: () => ({
    open: '<tool_call>\n',
    separator: '\n</tool_call>\n<tool_call>\n',
    close: '\n</tool_call>',
    trigger: '<tool_call>',
    ...jsonCallForm('arguments'),
  }),
};
