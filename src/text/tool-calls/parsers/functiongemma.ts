/** FunctionGemma: `<start_function_call>call:f{a:<escape>text<escape>,n:1,l:[…],o:{…}}<end_function_call>` for each call. */
import { literal } from '../../structured-output/ebnf.ts';
import { gemmaArgumentsForm } from '../call-forms.ts';
import { gemmaCall } from '../gemma-call.ts';
import { openAiIds } from '../ids.ts';
import { gemmaDialect } from '../literals.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

const dialect = gemmaDialect('<escape>');

export const functionGemma: ToolCallFormat = {
  tags: { '<start_function_call>': ['<end_function_call>'] },
  body: (stream) => gemmaCall(stream, dialect),
  ids: openAiIds,
  form: () => ({
    open: '',
    separator: '',
    close: '',
    trigger: '<start_function_call>',
    call: (name) => ({ before: literal(`<start_function_call>call:${name}`), after: literal('<end_function_call>') }),
    arguments: gemmaArgumentsForm('<escape>'),
  }),
};
