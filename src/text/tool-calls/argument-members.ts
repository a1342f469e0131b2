/** A call's arguments → EBNF, for the forms that write their members without an object's braces around them. */
import { either } from '../structured-output/ebnf.ts';
import { count, fail, list, saysMore, typesOf, withoutNulls } from '../structured-output/keywords.ts';
import { isSchemaObject, type Schema } from '../structured-output/merge-schema.ts';
import { declaredMembers, sequence } from '../structured-output/object-grammar.ts';
import { conditions, type SchemaGrammar } from '../structured-output/schema-grammar.ts';

export interface MemberForm {
  /** Between two members, as all here as EBNF. */
  readonly comma: string;
  /** What stands before a declared property's value, and before the value of any other name. */
  readonly before: (name: string) => string;
  readonly beforeOther: () => string;
  readonly value: (schema: unknown, at: string) => string;
}

/** What these forms cannot write at the top, although a JSON object could be held to some of it. */
const unwritten = [...conditions, 'oneOf', 'const', 'enum', 'patternProperties'];
const deepestAlternative = 16;

/** @throws EngineError invalid_value for what the form does not write, with its place in the schema */
export function argumentMembers(schemas: SchemaGrammar, parameters: Schema, form: MemberForm): string {
  return alternative(schemas, parameters, form, '#', 0) ?? fail('#', 'allows nothing');
}

/** null where no object is allowed. */
function alternative(
  schemas: SchemaGrammar,
  schema: Schema,
  form: MemberForm,
  at: string,
  depth: number,
): string | null {
  const flat = schemas.flatten(schema, at);
  if (!isSchemaObject(flat)) return null;
  const { anyOf, ...rest } = withoutNulls(flat);
  if (typesOf(rest, at)?.includes('object') === false) return null;
  const hasNames = saysMore(rest.propertyNames, true);
  const unknown = hasNames ? 'propertyNames' : unwritten.find((key) => key in rest);
  if (unknown !== undefined) fail(`${at}/${unknown}`, "cannot be enforced in the form of this model's calls");
  if (anyOf === undefined) return members(schemas, rest, form, at);
  if (depth === deepestAlternative) fail(`${at}/anyOf`, 'has alternatives in alternatives without end');
  const branches = list(anyOf, `${at}/anyOf`).map((part, i) =>
    alternative(schemas, { allOf: [rest, part] }, form, `${at}/anyOf/${i}`, depth + 1),
  );
  return either(schemas.grammar, branches);
}

/** Declared ones; where none is declared, any that additionalProperties allows. */
function members(schemas: SchemaGrammar, schema: Schema, form: MemberForm, at: string): string {
  const declared = isSchemaObject(schema.properties) ? Object.keys(schema.properties).length : null;
  const all = declaredMembers(schemas, schema, at, form.before, form.value);
  const others = schema.additionalProperties ?? declared === null;
  const max = count(schema, 'maxProperties', at);
  const isOpen = all.length === 0 && !declared && others !== false && max !== 0;
  const required = Array.isArray(schema.required) ? schema.required.length : 0;
  if ((count(schema, 'minProperties', at) ?? 0) > required || (max !== null && (isOpen || max < all.length))) {
    fail(at, "counts its properties, which cannot be enforced in the form of this model's calls");
  }
  const brackets = { open: '""', close: '""', comma: form.comma };
  const other = isOpen
    ? { member: `${form.beforeOther()} ${form.value(others, `${at}/additionalProperties`)}`, min: 0, max: null }
    : null;
  return sequence(schemas.grammar, all, brackets, other);
}
