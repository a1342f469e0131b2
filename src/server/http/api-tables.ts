/** The API field by field, from its OpenAPI document: for the /docs page and for docs/api.md. */
import type { EndpointDoc } from './api.ts';
import type { JsonSchema, OpenApiDocument } from './openapi.ts';
import type { Support } from '../apis/schema/fields.ts';

export interface FieldRow {
  readonly name: string;
  readonly type: string;
  readonly support: Support;
  readonly description: string;
  readonly required: boolean;
}

export interface EndpointTable {
  /** `POST /v1/completions` */
  readonly title: string;
  readonly tag: EndpointDoc['tag'];
  readonly summary: string;
  readonly streams: boolean;
  readonly fields: readonly FieldRow[];
  /** Of the JSON answer: name and type. */
  readonly answer: readonly { readonly name: string; readonly type: string }[];
  /** Of the request body. */
  readonly example: unknown;
}

export function endpointTables(document: OpenApiDocument): EndpointTable[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const body = operation.requestBody?.content['application/json'];
      const types = Object.keys(operation.responses['200']?.content ?? {});
      return {
        title: `${method.toUpperCase()} ${path}`,
        tag: operation.tags[0],
        summary: operation.summary,
        streams: types.includes('text/event-stream'),
        fields: body === undefined ? [] : fieldRows(body.schema),
        answer: answerRows(operation.responses['200']?.content?.['application/json']?.schema ?? {}),
        example: body?.example,
      };
    }),
  );
}

/** The fields of an object schema; those of its own object fields follow them as `outer.inner`. */
function fieldRows(schema: JsonSchema, prefix = ''): FieldRow[] {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  const required = (schema['required'] ?? []) as string[];
  return Object.entries(properties).flatMap(([name, field]) => {
    const support = field['x-support'] as Support | undefined;
    if (support === undefined) return [];
    const description = (field['description'] ?? '') as string;
    const row = { name: prefix + name, type: typeText(field), support, description, required: required.includes(name) };
    return [row, ...alternatives(field).flatMap((inner) => fieldRows(inner, `${prefix}${name}.`))];
  });
}

/** As `fieldRows`, for what the server sends: `choices[].message.content`. */
function answerRows(schema: JsonSchema, prefix = ''): EndpointTable['answer'] {
  return Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).flatMap(([name, field]) => {
    const isList = field['type'] === 'array';
    const inner = alternatives(isList ? ((field['items'] ?? {}) as JsonSchema) : field);
    const row = { name: prefix + name, type: typeText(field) };
    return [row, ...inner.flatMap((one) => answerRows(one, `${row.name}${isList ? '[]' : ''}.`))];
  });
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  const list = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
  return list === undefined ? [schema] : list.flatMap(alternatives);
}

/** A schema in a few words: `integer 0…20`, `string or array`, `"a" | "b"`. */
function typeText(schema: JsonSchema): string {
  const texts = alternatives(schema).map(oneType);
  return [...new Set(texts.filter((t) => t !== 'null'))].join(' or ') || 'any';
}

function oneType(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum } = schema;
  const type = Array.isArray(schema['type']) ? schema['type'].filter((t) => t !== 'null').join(' or ') : schema['type'];
  if (Array.isArray(schema['enum'])) return schema['enum'].map((v) => JSON.stringify(v)).join(', ');
  if ('const' in schema) return JSON.stringify(schema['const']);
  if (typeof type !== 'string') return 'any';
  const bound = (n: unknown): n is number => typeof n === 'number' && Math.abs(n) < Number.MAX_SAFE_INTEGER;
  if (bound(minimum) && bound(maximum)) return `${type} ${minimum}…${maximum}`;
  if (bound(minimum)) return `${type} ≥ ${minimum}`;
  if (bound(exclusiveMinimum)) return `${type} > ${exclusiveMinimum}${bound(maximum) ? `, ≤ ${maximum}` : ''}`;
  return type;
}
