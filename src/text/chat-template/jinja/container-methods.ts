/** Methods of dict, list and tuple that change nothing; the others are refused, as in jinja2's immutable sandbox. */
import { bindArguments } from './arguments.ts';
import { TemplateError } from './errors.ts';
import { equal, keyOf, Tuple, valueOr, View, type Dict, type Methods, type Value } from './values.ts';

export const dictMethods: Methods<Dict> = {
  keys: (dict) => new View('dict_keys', [...dict.keys()]),
  values: (dict) => new View('dict_values', [...dict.values()]),
  items: (dict) => new View('dict_items', dictItems(dict)),
  get: (dict, args) => {
    const [key, otherwise] = bindArguments('get', ['key', 'default'], args, new Map());
    return valueOr(dict.get(keyOf(valueOr(key, null))), valueOr(otherwise, null));
  },
  copy: (dict) => new Map(dict),
};

export const listMethods: Methods<Value[]> = {
  index: (list, [item]) => indexIn(list, item),
  count: (list, [item]) => list.filter((other) => equal(other, item)).length,
  copy: (list) => [...list],
};

export const tupleMethods: Methods<Tuple> = {
  index: (tuple, [item]) => indexIn(tuple.items, item),
  count: (tuple, [item]) => tuple.items.filter((other) => equal(other, item)).length,
};

export function dictItems(dict: Dict): Tuple[] {
  return Array.from(dict, (entry) => new Tuple(entry));
}

function indexIn(items: readonly Value[], item: Value): number {
  const at = items.findIndex((other) => equal(other, item));
  if (at < 0) throw new TemplateError('the item is not in the list');
  return at;
}
