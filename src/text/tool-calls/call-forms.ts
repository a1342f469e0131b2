/** The ways in which families write a call's arguments, and the forms that several of them share. */
import { jsonDialect, markedDialect } from '../structured-output/dialect.ts';
import { literal } from '../structured-output/ebnf.ts';
import { SchemaGrammar } from '../structured-output/schema-grammar.ts';
import { argumentMembers } from './argument-members.ts';
import type { ArgumentsForm, CallForm } from './types.ts';

export const jsonArgumentsForm: ArgumentsForm = (grammar, parameters) =>
  new SchemaGrammar(grammar, jsonDialect, parameters).value(parameters);

export function gemmaArgumentsForm(mark: string): ArgumentsForm {
  return (grammar, parameters) => new SchemaGrammar(grammar, markedDialect(mark), parameters).value(parameters);
}

/** `a="x", b=[1]`: keywords with JSON values, which the parser reads as well as Python's. */
export const keywordArgumentsForm: ArgumentsForm = (grammar, parameters) => {
  const schemas = new SchemaGrammar(grammar, jsonDialect, parameters);
  return argumentMembers(schemas, parameters, {
    comma: '", "',
    before: (name) => literal(`${name}=`),
    beforeOther: () => `[A-Za-z_] ${grammar.once('keyword_rest', '"=" | [A-Za-z0-9_] keyword_rest')}`,
    value: (schema, at) => schemas.value(schema, at),
  });
};

/** `{"name": "f", "arguments": {…}}`. */
export function jsonCallForm(key: 'arguments' | 'parameters'): Pick<CallForm, 'call' | 'arguments'> {
  return {
    call: (name) => ({ before: literal(`{"name": ${JSON.stringify(name)}, "${key}": `), after: literal('}') }),
    arguments: jsonArgumentsForm,
  };
}

/** JSON calls in a list between `open` and `close`. */
export function listForm(open: string, close: string, trigger: string | null): CallForm {
  return { open, separator: ', ', close, trigger, ...jsonCallForm('arguments') };
}
