/** The ways in which families write a call's arguments, and the forms that several of them share. */
import { settled } from '../structured-output/automaton.ts';
import { regularRule } from '../structured-output/regular-rule.ts';
import { either, sequenceOf, textOf } from '../structured-output/regular.ts';
import { jsonDialect, markedDialect } from '../structured-output/dialect.ts';
import { literal, textUntil, type Grammar } from '../structured-output/ebnf.ts';
import { isSchemaObject, type Schema } from '../structured-output/merge-schema.ts';
import { declaredMembers, sequence } from '../structured-output/object-grammar.ts';
import { parseRegex } from '../structured-output/regex.ts';
import { SchemaGrammar } from '../structured-output/schema-grammar.ts';
import { parameterTypes } from './schema-types.ts';
import type { ArgumentsForm, CallForm, JsonSchema } from './types.ts';

export const jsonArgumentsForm: ArgumentsForm = (grammar, parameters) =>
  new SchemaGrammar(grammar, jsonDialect, parameters).value(parameters);

export function gemmaArgumentsForm(mark: string): ArgumentsForm {
  return (grammar, parameters) => new SchemaGrammar(grammar, markedDialect(mark), parameters).value(parameters);
}

/** `a="x", b=[1]`: keywords with JSON values, which the parser reads as well as Python's. */
export const keywordArgumentsForm: ArgumentsForm = (grammar, parameters) => {
  const schemas = new SchemaGrammar(grammar, jsonDialect, parameters);
  const members = declaredMembers(schemas, asObject(schemas, parameters), '#', (name) => literal(`${name}=`));
  return sequence(grammar, members, { open: '""', close: '""', comma: '", "' }, null);
};

interface MarkedForm {
  /** `isText`: the value is written as it is, not as JSON. */
  readonly open: (name: string, isText: boolean) => string;
  readonly close: string;
}

/** Parameters between tags, strings as they are, anything else as JSON. */
export function markedArgumentsForm({ open, close }: MarkedForm): ArgumentsForm {
  return (grammar, parameters) => {
    const schemas = new SchemaGrammar(grammar, jsonDialect, parameters);
    const top = asObject(schemas, parameters);
    const typesOf = (name: string) => parameterTypes({ ...parameters, ...top }, name);
    const members = declaredMembers(
      schemas,
      top,
      '#',
      (name) => literal(open(name, typesOf(name).has('string'))),
      (property, at, name) => {
        if (!typesOf(name).has('string')) return `${schemas.value(property, at)} ${literal(close)}`;
        return bareText(grammar, schemas.flatten(property, at), close);
      },
    );
    return sequence(grammar, members, { open: '""', close: '""', comma: '""' }, null);
  };
}

/** A string without quotes and the tag that ends it. */
function bareText(grammar: Grammar, schema: unknown, close: string): string {
  const { enum: values, const: value, pattern } = isSchemaObject(schema) ? schema : {};
  const listed = typeof value === 'string' ? [value] : Array.isArray(values) ? (values as unknown[]) : null;
  if (listed !== null) {
    const texts = listed.map((x) => textOf(typeof x === 'string' ? x : JSON.stringify(x)));
    return regularRule(grammar, 'listed', sequenceOf(either(texts), textOf(close)));
  }
  if (typeof pattern === 'string') {
    const whole = settled(parseRegex(pattern, 'search'), grammar.budget);
    return regularRule(grammar, 'pattern', sequenceOf(whole, textOf(close)));
  }
  return textUntil(grammar, 'text', close);
}

function asObject(schemas: SchemaGrammar, parameters: JsonSchema): Schema {
  const flat = schemas.flatten(parameters, '#');
  return isSchemaObject(flat) ? flat : {};
}

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
