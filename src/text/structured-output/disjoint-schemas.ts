/** Whether no value can satisfy both of two schemas: what oneOf needs. */
import type { Budget } from './budget.ts';
import { isSchemaObject, jsonText, type Schema } from './merge-schema.ts';

/** Of the compiler, for a look at two schemas. */
const stepsOfPair = 50;

/** true only when it is certain. @throws BudgetError */
export function areDisjoint(a: unknown, b: unknown, budget: Budget): boolean {
  budget.spend('steps', stepsOfPair);
  if (a === false || b === false) return true;
  if (!isSchemaObject(a) || !isSchemaObject(b)) return false;
  const [valuesA, valuesB] = [listedValues(a), listedValues(b)];
  if (valuesA !== null && valuesB !== null) {
    const texts = new Set(valuesA.map(jsonText));
    budget.spend('steps', valuesA.length + valuesB.length);
    return !valuesB.some((value) => texts.has(jsonText(value)));
  }
  const [typesA, typesB] = [typesOf(a), typesOf(b)];
  if (typesA === null || typesB === null) return false;
  if (!typesA.some((type) => typesB.some((other) => overlap(type, other)))) return true;
  const areObjects = [typesA, typesB].every((types) => types.length === 1 && types[0] === 'object');
  return areObjects && sharedRequired(a, b).some((name) => areDisjoint(property(a, name), property(b, name), budget));
}

/**
 * Two of `schemas` that may both hold; null when there are none.
 * @param tag the property that tells the objects among them apart (tagOf)
 */
export function findOverlap(schemas: readonly unknown[], tag: string | null, budget: Budget): [number, number] | null {
  const listed = schemas.map((schema) => (isSchemaObject(schema) ? listedValues(schema) : null));
  const texts = listed.flatMap((values) => (values === null ? [] : [...new Set(values.map(jsonText))]));
  const areApart = new Set(texts).size === texts.length;
  // What is of a group is told apart from the others of it.
  const groups = schemas.map((schema, i) =>
    tag !== null && isObjectSchema(schema) ? 'tagged' : areApart && listed[i] !== null ? 'listed' : null,
  );
  for (const [i, a] of schemas.entries()) {
    for (let j = 0; j < i; j++) {
      if (groups[i] !== null && groups[i] === groups[j]) continue;
      if (!areDisjoint(a, schemas[j], budget)) return [j, i];
    }
  }
  return null;
}

/**
 * The property that tells the objects among `schemas` apart by the values that each lists for it, whether required or not;
 * null when there is none. @param resolve a property's schema with what its $ref says
 */
export function tagOf(
  schemas: readonly unknown[],
  resolve: (schema: unknown) => unknown,
  budget: Budget,
): string | null {
  const objects = schemas.filter(isObjectSchema);
  const [first] = objects;
  if (first === undefined || objects.length < 2) return null;
  const tells = (name: string): boolean => {
    const seen = new Set<string>();
    return objects.every((schema) => {
      budget.spend('steps');
      const property = isSchemaObject(schema.properties) ? resolve(schema.properties[name]) : null;
      const values = isSchemaObject(property) ? listedValues(property) : null;
      const texts = new Set(values?.map(jsonText));
      budget.spend('steps', texts.size);
      if (values === null || [...texts].some((text) => seen.has(text))) return false;
      texts.forEach((text) => seen.add(text));
      return true;
    });
  };
  const names = isSchemaObject(first.properties) ? Object.keys(first.properties) : [];
  return names.find(tells) ?? null;
}

/** Allows nothing but objects. */
export function isObjectSchema(schema: unknown): schema is Schema {
  const types = isSchemaObject(schema) ? typesOf(schema) : null;
  return types?.length === 1 && types[0] === 'object';
}

function listedValues(schema: Schema): readonly unknown[] | null {
  if ('const' in schema) return [schema.const];
  return Array.isArray(schema.enum) ? (schema.enum as unknown[]) : null;
}

function typesOf(schema: Schema): readonly unknown[] | null {
  if (schema.type !== undefined) return [schema.type].flat();
  const values = listedValues(schema);
  if (values !== null)
    return values.map((value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value));
  return 'properties' in schema ? ['object'] : null;
}

function overlap(a: unknown, b: unknown): boolean {
  const numeric = (type: unknown) => type === 'integer' || type === 'number';
  return a === b || (numeric(a) && numeric(b));
}

function sharedRequired(a: Schema, b: Schema): readonly string[] {
  const required = (schema: Schema) => (Array.isArray(schema.required) ? (schema.required as unknown[]) : []);
  return required(a).filter((name): name is string => typeof name === 'string' && required(b).includes(name));
}

function property(schema: Schema, name: string): unknown {
  return isSchemaObject(schema.properties) ? (schema.properties[name] ?? true) : true;
}
