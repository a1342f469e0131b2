import { TemplateError } from './errors.ts';
import { integerOf, typeName, type Arguments, type Keywords, type Value } from './values.ts';

/**
 * Arguments by position and by name in the order of `names`; undefined where none is given.
 * @throws TemplateError for too many, unknown or doubled ones
 */
export function bindArguments(
  name: string,
  names: readonly string[],
  args: Arguments,
  keywords: Keywords,
): (Value | undefined)[] {
  if (args.length > names.length) {
    throw new TemplateError(`${name}() takes at most ${names.length} arguments (${args.length} given)`);
  }
  for (const key of keywords.keys()) {
    const at = names.indexOf(key);
    if (at < 0) throw new TemplateError(`${name}() got an unexpected keyword argument '${key}'`);
    if (at < args.length) throw new TemplateError(`${name}() got multiple values for argument '${key}'`);
  }
  return names.map((key, i) => (i < args.length ? args[i] : keywords.get(key)));
}

export function wantText(name: string, value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new TemplateError(`${name}() wants text, not ${value === undefined ? 'nothing' : typeName(value)}`);
}

export function wantInteger(name: string, value: Value | undefined, otherwise?: number): number {
  if (value === undefined && otherwise !== undefined) return otherwise;
  const integer = integerOf(value);
  if (integer !== null) return integer;
  throw new TemplateError(`${name}() wants an integer, not ${value === undefined ? 'nothing' : typeName(value)}`);
}
