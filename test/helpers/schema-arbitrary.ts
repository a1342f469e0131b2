/** Random values of a JSON Schema, and random damage to them. */
import fc from 'fast-check';

type Schema = Readonly<Record<string, unknown>>;

/** Values that the schema allows, as far as the keywords used in this project's own OpenAPI document go. */
export function valuesOf(schema: Schema, depth = 4): fc.Arbitrary<unknown> {
  const branches = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined;
  if (branches !== undefined) return fc.oneof(...branches.map((branch) => valuesOf(branch, depth)));
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if ('const' in schema) return fc.constant(schema['const']);
  const types = [schema['type'] ?? 'any'].flat() as string[];
  return fc.oneof(...types.map((type) => valuesOfType(type, schema, depth)));
}

function valuesOfType(type: string, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const number = (key: string, fallback: number): number => (schema[key] as number | undefined) ?? fallback;
  const bound = (n: number): number => Math.max(-1e6, Math.min(1e6, n));
  const [min, max] = [bound(number('minimum', -1e6)), bound(number('maximum', 1e6))];
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.oneof(fc.integer({ min, max: Math.min(max, min + 20) }), fc.integer({ min, max }));
    case 'number':
      return fc.double({ min: Math.max(min, number('exclusiveMinimum', -1e6) + 1e-3), max, noNaN: true });
    case 'string': {
      if (typeof schema['pattern'] === 'string') return fc.stringMatching(new RegExp(schema['pattern']));
      return fc.string({
        minLength: number('minLength', 0),
        maxLength: Math.min(20, number('maxLength', 20)),
        unit: 'grapheme',
      });
    }
    case 'array': {
      const minLength = number('minItems', 0);
      const items = depth <= 0 ? fc.constant(null) : valuesOf((schema['items'] ?? {}) as Schema, depth - 1);
      return fc.array(items, { minLength, maxLength: Math.min(number('maxItems', minLength + 3), minLength + 3) });
    }
    case 'object':
      return objectsOf(schema, depth);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectsOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
  const required = (schema['required'] ?? []) as string[];
  const model = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, valuesOf(value, depth - 1)]));
  const optional = Object.keys(properties).filter((key) => !required.includes(key));
  // Few optional fields at a time: with all of them, nearly every request would be refused for one or another.
  const record = fc
    .tuple(fc.record(model), fc.subarray(optional, { maxLength: Math.min(4, optional.length) }))
    .map(([full, chosen]) =>
      Object.fromEntries(Object.entries(full).filter(([k]) => required.includes(k) || chosen.includes(k))),
    );
  const extra = schema['additionalProperties'] as Schema | undefined;
  if (typeof extra !== 'object' || depth <= 0) return record;
  const names = valuesOf((schema['propertyNames'] ?? { type: 'string' }) as Schema) as fc.Arbitrary<string>;
  return fc
    .tuple(record, fc.dictionary(names, valuesOf(extra, depth - 1), { maxKeys: 3 }))
    .map(([a, b]) => ({ ...b, ...a }));
}

/** The value with one random place in it replaced by any JSON, taken out, or doubled. */
export function damaged(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(value, fc.nat(), fc.nat(), fc.jsonValue({ maxDepth: 2 })).map(([original, where, how, other]) => {
    const copy = structuredClone(original);
    const places = list(copy);
    if (places.length === 0) return other;
    const [container, key] = places[where % places.length];
    if (how % 3 === 0) delete container[key];
    else container[key] = how % 3 === 1 ? other : [container[key], container[key]];
    return copy;
  });
}

type Container = Record<string, unknown>;

function list(value: unknown): [Container, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const container = value as Container;
  return Object.keys(container).flatMap((key) => [[container, key] as [Container, string], ...list(container[key])]);
}
