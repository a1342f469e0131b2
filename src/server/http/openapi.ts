/** /openapi.json: OpenAPI 3.1 made from the endpoints' own zod schemas, so that it cannot drift from what is checked. */
import { z } from 'zod';
import type { EndpointDoc } from './api.ts';
import { errorSchema } from '../apis/schema/common.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly [EndpointDoc['tag']];
  readonly parameters?: readonly JsonSchema[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}
type Content = Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly license: JsonSchema };
  readonly servers: readonly JsonSchema[];
  /** A key is wanted only where the server was started with --api_key. */
  readonly security: readonly JsonSchema[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, unknown>>;
}

export function openApiDocument(endpoints: readonly EndpointDoc[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path.replace(/:(\w+)(\{.+?\})?/g, '{$1}');
    (paths[path] ??= {})[endpoint.method] = operation(endpoint, path);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Dawnlight', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{}, { key: [] }],
    paths,
    components: {
      schemas: { Error: toJsonSchema(errorSchema, 'output') },
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operation(endpoint: EndpointDoc, path: string): Operation {
  const { method, summary, tag, body, example, response, event } = endpoint;
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const answer: Content =
    typeof response === 'string'
      ? { [response]: { schema: { type: 'string' } } }
      : { 'application/json': { schema: toJsonSchema(response, 'output') } };
  const stream: Content = event === undefined ? {} : { 'text/event-stream': { schema: toJsonSchema(event, 'output') } };
  const error = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
  return {
    operationId: `${method}${path.replace(/[^\w]+/g, '_')}`,
    summary,
    tags: [tag],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: toJsonSchema(body, 'input'), example } },
          },
        }),
    responses: {
      200: { description: 'The answer.', content: { ...answer, ...stream } },
      default: { description: 'An error.', content: error },
    },
  };
}

/** What zod cannot say in JSON Schema (a refinement across fields, a transform) is left out. */
function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
}
