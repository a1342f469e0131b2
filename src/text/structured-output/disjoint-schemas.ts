/** Whether no value can satisfy both of two schemas: what oneOf needs. */
import { isSchemaObject, sameJson, type Schema } from './merge-schema.ts';

/** true only when it is certain. */
export function areDisjoint(a: unknown, b: unknown): boolean {
  if (a === false || b === false) return true;
  if (!isSchemaObject(a) || !isSchemaObject(b)) return false;
  const [valuesA, valuesB] = [listedValues(a), listedValues(b)];
  if (valuesA !== null && valuesB !== null) return !valuesA.some((x) => valuesB.some((y) => sameJson(x, y)));
  const [typesA, typesB] = [typesOf(a), typesOf(b)];
  if (typesA === null || typesB === null) return false;
  if (!typesA.some((type) => typesB.some((other) => overlap(type, other)))) return true;
  const areObjects = [typesA, typesB].every((types) => types.length === 1 && types[0] === 'object');
  return areObjects && sharedRequired(a, b).some((name) => areDisjoint(property(a, name), property(b, name)));
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
