/** Arrays of a schema → EBNF. */
import { count, fail, list } from './keywords.ts';
import type { Schema } from './merge-schema.ts';
import type { Schemas } from './schemas.ts';

/** All of `prefixItems` are written, also where the schema would let the array end among them. */
export function arrayGrammar(schemas: Schemas, schema: Schema, at: string): string {
  const { comma } = schemas.dialect;
  const prefixItems = schema.prefixItems === undefined ? [] : list(schema.prefixItems, `${at}/prefixItems`);
  const min = Math.max(count(schema, 'minItems', at) ?? 0, prefixItems.length);
  const maxItems = count(schema, 'maxItems', at);
  const max = schema.items === false ? Math.min(prefixItems.length, maxItems ?? Infinity) : maxItems;
  if (schema.uniqueItems === true && (max === null || max > 1))
    fail(`${at}/uniqueItems`, 'cannot be enforced by a grammar');
  if (max !== null && max < min) fail(at, 'has fewer items at most than its minItems or prefixItems ask for');
  if (max === 0) return '"[]"';
  const prefix = prefixItems.map((item, i) => schemas.value(item, `${at}/prefixItems/${i}`));
  if (max === prefix.length) return `"[" ${prefix.join(` ${comma} `)} "]"`;
  const item = schemas.value(schema.items, `${at}/items`);
  const written = Math.max(1, prefix.length); // items before the repeated ones
  const more = repeated(schemas, item, Math.max(0, min - written), max === null ? null : max - written);
  if (prefix.length > 0) return `"[" ${prefix.join(` ${comma} `)} ${more}`;
  return min === 0 ? `"[" ("]" | ${item} ${more})` : `"[" ${item} ${more}`;
}

/** `, item` from `min` to `max` times and the closing bracket. */
function repeated({ grammar, dialect }: Schemas, item: string, min: number, max: number | null): string {
  if (max !== null) return max === 0 ? '"]"' : `(${dialect.comma} ${item}){${min},${max}} "]"`;
  const rest = grammar.reserve('items');
  grammar.define(rest, `"]" | ${dialect.comma} ${item} ${rest}`);
  return min === 0 ? rest : `(${dialect.comma} ${item}){${min}} ${rest}`;
}
