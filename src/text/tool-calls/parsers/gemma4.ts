/** Gemma 4: `<|tool_call>call:f{a:<|"|>text<|"|>,n:42,l:[…],o:{…}}<tool_call|>` for each call. */
import { literal } from '../../structured-output/ebnf.ts';
import { gemmaArgumentsForm } from '../call-forms.ts';
import { openAiIds } from '../ids.ts';
import { gemmaDialect } from '../literals.ts';
import { gemmaCall } from '../gemma-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

const dialect = gemmaDialect('<|"|>');

export const gemma4: ToolCallFormat = {
  tags: { '<|tool_call>': ['<tool_call|>'] },
  body: (stream) => gemmaCall(stream, dialect),
  ids: openAiIds,
  form: () => ({
    open: '',
    separator: '',
    close: '',
    trigger: '<|tool_call>',
    call: (name) => ({ before: literal(`<|tool_call>call:${name}`), after: literal('<tool_call|>') }),
    arguments: gemmaArgumentsForm('<|"|>'),
  }),
};
