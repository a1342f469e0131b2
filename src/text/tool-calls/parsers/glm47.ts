/** GLM-4.7: GLM-4.5's tags without line breaks between them. */
import { literal } from '../../structured-output/ebnf.ts';
import { markedArgumentsForm } from '../marked-form.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';
import { glm45 } from './glm45.ts';

export const glm47: ToolCallFormat = {
  ...glm45,
  form: () => ({
    open: '',
    separator: '',
    close: '',
    trigger: '<tool_call>',
    call: (name) => ({ before: literal(`<tool_call>${name}`), after: literal('</tool_call>') }),
    arguments: markedArgumentsForm({
      open: '<arg_key>',
      then: () => '</arg_key><arg_value>',
      close: '</arg_value>',
      ends: ['</arg_value>'],
    }),
  }),
};
