/** Parameters between tags → EBNF: strings as they are, anything else as JSON (Qwen3-Coder, GLM, DeepSeek V3.2). */
import { jsonDialect, type Dialect } from '../structured-output/dialect.ts';
import { charClass, complement, either, literal, type Grammar } from '../structured-output/ebnf.ts';
import { fail } from '../structured-output/keywords.ts';
import { regularRule } from '../structured-output/regular-rule.ts';
import { either as eitherOf, textOf } from '../structured-output/regular.ts';
import { stringGrammar } from '../structured-output/scalar-grammar.ts';
import { SchemaGrammar } from '../structured-output/schema-grammar.ts';
import { argumentMembers } from './argument-members.ts';
import { bareTextDialect, type BareText } from './bare-text.ts';
import { textsAndOthers, type StringSchema } from './texts-and-others.ts';
import type { ArgumentsForm } from './types.ts';

interface MarkedForm extends BareText {
  /** Before a parameter's name. */
  readonly open: string;
  /** Between name and value. `isText`: the value is written as it is, not as JSON. */
  readonly then: (isText: boolean) => string;
}

const mostBesidePattern = 100;
const stringKeywords = ['enum', 'pattern', 'format', 'minLength', 'maxLength'];

export function markedArgumentsForm(form: MarkedForm): ArgumentsForm {
  const texts = bareTextDialect(form);
  return (grammar, parameters) => {
    const schemas = new SchemaGrammar(grammar, jsonDialect, parameters);
    return argumentMembers(schemas, parameters, {
      comma: '""',
      before: (name) => literal(form.open + name),
      beforeOther: () => `${literal(form.open)} ${anyName(grammar)}`,
      value: (schema, at) => markedValue(schemas, schema, at, form, texts),
    });
  };
}

/** In no name that a model makes up, so that it ends where its tag does. */
const notInNames = ['\0 ', ...'"\'<>=`'].map((c) => [c.charCodeAt(0), c.charCodeAt(c.length - 1)] as const);
const inNames = charClass(complement(notInNames));

const anyName = (grammar: Grammar): string => `${inNames} ${grammar.once('name_rest', `"" | ${inNames} name_rest`)}`;

/** A value, what stands between it and its name, and what closes it. */
function markedValue(schemas: SchemaGrammar, schema: unknown, at: string, form: MarkedForm, dialect: Dialect): string {
  const { grammar } = schemas;
  const written = (isText: boolean, closed: string) => `${literal(form.then(isText))} ${closed}`;
  const asJson = (other: unknown) => written(false, `${schemas.value(other, at)} ${literal(form.close)}`);
  const { texts, others } = textsAndOthers(schemas, schema, at);
  if (texts.length === 0) return asJson(schema);
  // Where any text may come and nothing tells it from JSON, it may look like JSON as well.
  const isAny = texts.some((text) => !stringKeywords.some((key) => key in text));
  const isTold = form.then(true) !== form.then(false);
  const bare = isAny ? [dialect.anyString(grammar)] : texts.map((text) => bareText(grammar, dialect, text, form, at));
  const all = [
    ...bare.map((text) => (text === null ? null : written(true, text))),
    ...(isAny && !isTold ? [] : others.map(asJson)),
  ];
  return either(grammar, all) ?? fail(at, 'lists nothing that can stand between tags');
}

/** A pattern is written out as often as there are characters to count: where these are many, it is not counted. */
function shortened({ maxLength, ...schema }: StringSchema): StringSchema {
  const isLong = typeof maxLength === 'number' && maxLength > mostBesidePattern;
  return maxLength === undefined || (isLong && ('pattern' in schema || 'format' in schema))
    ? schema
    : { ...schema, maxLength };
}

/** A string and what closes it; null where it holds what ends it. */
function bareText(
  grammar: Grammar,
  dialect: Dialect,
  schema: StringSchema,
  { ends }: BareText,
  at: string,
): string | null {
  const { enum: listed } = schema;
  if (listed === undefined) return stringGrammar(grammar, dialect, shortened(schema), at);
  const texts = listed.filter((text) => !ends.some((end) => text.includes(end)));
  if (texts.length === 0) return null;
  return grammar.shared(`listed between tags ${JSON.stringify(texts)}`, () =>
    regularRule(grammar, 'listed', eitherOf(texts.map((text) => textOf(dialect.quote(text))))),
  );
}
