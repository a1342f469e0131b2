/** Arrays of a schema → EBNF. */
import { either } from './ebnf.ts';
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
  if (schema.uniqueItems === true && (max === null || max > 1)) return distinct(schemas, schema, { min, max }, at);
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

/** Rules for distinct items. */
const mostDistinct = 2000;

/** Items of a list, each at most once, in the list's order. */
function distinct(
  schemas: Schemas,
  schema: Schema,
  { min, max }: { readonly min: number; readonly max: number | null },
  at: string,
): string {
  const { grammar, dialect } = schemas;
  const values = schema.prefixItems === undefined ? schemas.listedValues(schema.items, `${at}/items`) : null;
  if (values === null) fail(`${at}/uniqueItems`, 'cannot be enforced by a grammar, except for items of an enum');
  const items = [...new Set(values.map((value) => schemas.value({ const: value }, `${at}/items`)))];
  const most = Math.min(max ?? items.length, items.length);
  if (min > most) fail(at, 'has fewer different items than its minItems asks for');
  // Beyond what has to be counted all lengths are the same.
  const last = most < items.length ? most : Math.max(min, 1);
  if (items.length * (last + 1) > mostDistinct) fail(`${at}/uniqueItems`, `needs more than ${mostDistinct} rules`);
  let rest: (string | null)[] = Array.from({ length: last + 1 }, (_, count) => (count >= min ? '"]"' : null));
  for (const item of items.reverse()) {
    const behind = rest;
    rest = behind.map((skipped, count) => {
      const next = count < most ? behind[Math.min(count + 1, last)] : null;
      const written = next === null ? null : `${count === 0 ? '' : `${dialect.comma} `}${item} ${next}`;
      const both = either(grammar, [written, skipped]);
      return both === null ? null : grammar.rule('distinct', both);
    });
  }
  return `"[" ${rest[0] ?? fail(at, 'allows nothing')}`;
}

/** `, item` from `min` to `max` times and the closing bracket. */
function repeated({ grammar, dialect }: Schemas, item: string, min: number, max: number | null): string {
  if (max !== null) return max === 0 ? '"]"' : `(${dialect.comma} ${item}){${min},${max}} "]"`;
  const rest = grammar.reserve('items');
  grammar.define(rest, `"]" | ${dialect.comma} ${item} ${rest}`);
  return min === 0 ? rest : `(${dialect.comma} ${item}){${min}} ${rest}`;
}
