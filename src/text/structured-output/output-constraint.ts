/** response_format, guided_json … → what the answer's text must be. */
import { EngineError } from '../../errors.ts';
import { jsonDialect } from './dialect.ts';
import { regularRule } from './regular-rule.ts';
import { either, textOf } from './regular.ts';
import { Grammar } from './ebnf.ts';
import { gbnfToEbnf } from './gbnf.ts';
import { ownEbnf } from './own-ebnf.ts';
import { parseRegex } from './regex.ts';
import { SchemaGrammar } from './schema-grammar.ts';
import { structuralTag, structuralTagOfText } from './structural-tag.ts';
import type { GrammarSpec, ResponseFormat, StructuredOutputFields } from './types.ts';

/** `rule`: EBNF that stands on rules in the grammar it was made with. `text`: a whole grammar or tag. */
export type OutputConstraint =
  | { readonly kind: 'rule'; readonly param: string; readonly rule: string }
  | { readonly kind: 'grammar' | 'structural_tag'; readonly param: string; readonly text: string };

/** How each field makes its constraint. */
type Make = (grammar: Grammar) => { rule: string } | { kind: 'grammar' | 'structural_tag'; text: string };

/**
 * @param grammar receives the rules
 * @returns null when the answer may be anything
 * @throws EngineError invalid_value, naming the field; also when more than one field asks for something
 */
export function outputConstraint(grammar: Grammar, fields: StructuredOutputFields): OutputConstraint | null {
  const asked = askingField(fields);
  if (asked === null) return null;
  const [param, make] = asked;
  const made = named(param, () => make(grammar));
  return 'rule' in made ? { kind: 'rule', param, rule: made.rule } : { ...made, param };
}

/**
 * An answer that has to be a call is constrained by its tool alone. OpenAI's response_format speaks of content, of which there
 * is none then; the other fields speak of the whole output.
 * @throws EngineError invalid_value
 */
export function refuseBesideForcedCall(fields: StructuredOutputFields): void {
  const param = askingField(fields)?.[0] ?? 'response_format';
  if (param === 'response_format') return;
  const message = `${param}: cannot be used where tool_choice asks for a call; leave it out, or use tool_choice "auto".`;
  throw new EngineError('invalid_value', message, { param });
}

function askingField(fields: StructuredOutputFields): [string, Make] | null {
  const asked = Object.entries(makers(fields)).filter((entry): entry is [string, Make] => entry[1] !== null);
  const [first = null, second] = asked;
  if (first !== null && second !== undefined) {
    const message = `${second[0]}: cannot be used together with ${first[0]}.`;
    throw new EngineError('invalid_value', message, { param: second[0] });
  }
  return first;
}

/** The grammar of a text without tools. */
export function completionConstraint(fields: StructuredOutputFields): GrammarSpec | null {
  const grammar = new Grammar();
  const output = outputConstraint(grammar, fields);
  if (output === null || output.kind !== 'rule') return output;
  return { kind: 'grammar', text: grammar.text(output.rule), param: output.param };
}

/** Errors of `body` as errors of the request's field. */
export function named<T>(param: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof EngineError) || error.param !== null) throw error;
    throw new EngineError(error.code, `${param}: ${error.message}`, { param, cause: error });
  }
}

function makers(fields: StructuredOutputFields): Record<string, Make | null> {
  const { response_format: format, structured_outputs: more } = fields;
  return {
    response_format: format === undefined || format.type === 'text' ? null : ofFormat(format),
    guided_json: given(fields.guided_json, json),
    json_schema: given(fields.json_schema, json),
    'structured_outputs.json': given(more?.json, json),
    'structured_outputs.json_object': more?.json_object === true ? json({ type: 'object' }) : null,
    guided_regex: given(fields.guided_regex, regex),
    regex: given(fields.regex, regex),
    'structured_outputs.regex': given(more?.regex, regex),
    guided_grammar: given(fields.guided_grammar, ebnf),
    ebnf: given(fields.ebnf, ebnf),
    'structured_outputs.grammar': given(more?.grammar, ebnf),
    guided_choice: given(fields.guided_choice, choice),
    'structured_outputs.choice': given(more?.choice, choice),
    grammar: given(fields.grammar, ofGrammar),
    structural_tag: given(fields.structural_tag, tag),
    'structured_outputs.structural_tag': given(more?.structural_tag, tag),
  };
}

function given<T>(value: T | null | undefined, make: (value: T) => Make): Make | null {
  return value === null || value === undefined ? null : make(value);
}

function ofFormat(format: Exclude<ResponseFormat, { type: 'text' }>): Make {
  switch (format.type) {
    case 'json_object':
      return json(format.schema ?? format.value ?? { type: 'object' });
    case 'json':
    case 'regex':
      return ofGrammar(format);
    case 'json_schema':
      return json(format.json_schema.schema ?? { type: 'object' });
    case 'structural_tag':
      return () => ({ kind: 'structural_tag', text: structuralTag(format) });
  }
}

function ofGrammar(grammar: NonNullable<StructuredOutputFields['grammar']>): Make {
  if (typeof grammar === 'string') return () => ({ kind: 'grammar', text: gbnfToEbnf(grammar) });
  switch (grammar.type) {
    case 'json':
      return json(grammar.value);
    case 'json_schema':
      return json(grammar.value.schema);
    case 'regex':
      return regex(grammar.value);
  }
}

function json(given: unknown): Make {
  return (grammar) => {
    const schema = typeof given === 'string' ? parse(given) : given;
    return { rule: new SchemaGrammar(grammar, jsonDialect, schema).value(schema) };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EngineError('invalid_value', `is not JSON: ${(cause as Error).message}`, { cause });
  }
}

const regex =
  (pattern: string): Make =>
  (grammar) => ({ rule: regularRule(grammar, 'regex', parseRegex(pattern, 'whole')) });
const choice =
  (choices: readonly string[]): Make =>
  (grammar) => ({ rule: regularRule(grammar, 'choice', either([...new Set(choices)].map(textOf))) });
const ebnf =
  (text: string): Make =>
  () => ({ kind: 'grammar', text: ownEbnf(text) });
const tag =
  (text: string): Make =>
  () => ({ kind: 'structural_tag', text: structuralTagOfText(text) });
