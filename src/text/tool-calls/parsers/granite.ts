/** Granite 3: `<|tool_call|>[{…}]` (3.0), `<tool_call>[{…}]` (3.1 on); granite-20b-functioncalling: `<function_call> {…}` each. */
import { listForm } from '../call-forms.ts';
import { openAiIds } from '../ids.ts';
import { jsonCalls } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

export const granite: ToolCallFormat = {
  tags: { '<|tool_call|>': [], '<tool_call>': ['</tool_call>'], '<function_call>': ['</function_call>'] },
  body: (stream) => jsonCalls(stream),
  ids: openAiIds,
  form: (template) => {
    const tag = template.includes('<|tool_call|>') ? '<|tool_call|>' : '<tool_call>';
    return listForm(`${tag}[`, ']', tag);
  },
};
