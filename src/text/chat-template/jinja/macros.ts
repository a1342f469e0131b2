/** Macros, and the body of a call block, which is a macro without name. */
import { TemplateError } from './errors.ts';
import { compileExpression } from './expressions.ts';
import type { Identifier, Keyword, Node } from './nodes.ts';
import { Scope } from './scope.ts';
import type { Emit, Output } from './emit.ts';
import { Callable, Tuple, Undefined, valueOr, type Value } from './values.ts';

/**
 * The macro with the scope that it is defined in: names that its body does not define are looked up there.
 * @param block the compiled body
 */
export function compileMacro(
  name: string,
  parameters: readonly (Identifier | Keyword)[],
  body: readonly Node[],
  block: Emit,
): (scope: Scope) => Callable {
  const names = parameters.map((parameter) => nameOf(parameter));
  const defaults = parameters.map((parameter) => ('key' in parameter ? compileExpression(parameter.value) : null));
  const [takesKeywords, takesMore, takesCaller] = ['kwargs', 'varargs', 'caller'].map((word) => mentions(body, word));

  return (defined) =>
    new Callable(name, (args, keywords) => {
      const scope = new Scope(defined);
      const rest = new Map(keywords);
      const take = (key: string): Value | undefined => {
        const value = rest.get(key);
        rest.delete(key);
        return value;
      };
      names.forEach((key, i) => {
        const given = i < args.length ? args[i] : take(key);
        const otherwise = defaults[i] ?? (() => new Undefined(`parameter '${key}' was not provided`));
        scope.set(key, given === undefined ? otherwise(scope) : given);
      });
      if (takesCaller && !names.includes('caller'))
        scope.set('caller', valueOr(take('caller'), new Undefined('No caller defined')));
      if (takesKeywords) scope.set('kwargs', new Map<Value, Value>(rest));
      else if (rest.size > 0) {
        throw new TemplateError(`macro '${name}' takes no keyword argument '${[...rest.keys()].join("', '")}'`);
      }
      if (takesMore) scope.set('varargs', new Tuple(args.slice(names.length)));
      else if (args.length > names.length) {
        throw new TemplateError(`macro '${name}' takes not more than ${names.length} argument(s)`);
      }
      const out: Output = { text: '' };
      block(scope, out);
      return out.text;
    });
}

function nameOf(parameter: Identifier | Keyword): string {
  return parameter.type === 'Identifier' ? parameter.value : parameter.key.value;
}

/** Whether a name stands anywhere in the tree. */
function mentions(tree: unknown, name: string): boolean {
  if (typeof tree !== 'object' || tree === null) return false;
  if ('type' in tree && tree.type === 'Identifier') return 'value' in tree && tree.value === name;
  const parts = tree instanceof Map ? [...tree.keys(), ...tree.values()] : Object.values(tree);
  return parts.some((part) => mentions(part, name));
}
