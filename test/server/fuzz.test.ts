// Every endpoint is sent random requests made from its own OpenAPI schema, right and damaged: no 5xx, no hang, and
// every answer fits the schema that the document promises. FUZZ_RUNS sets the number of requests for each endpoint.
import fc from 'fast-check';
import t from 'tap';
import { z } from 'zod';
import { startFakeServer } from '../helpers/fake-server.ts';
import { damaged, valuesOf } from '../helpers/schema-arbitrary.ts';
import { json, type Json, readEvents } from '../helpers/wire.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 50);
const toolCall = '<think>hm</think>Well.<tool_call>{"name": "f", "arguments": {"x": "é👋"}}</tool_call>';

t.test('random requests', async (t) => {
  const { engine, url, server } = await startFakeServer({}, { reasoningParser: 'qwen3' });
  t.teardown(() => server.close());
  engine.script = (call) => ({ text: call.promptIds.length % 2 === 0 ? toolCall : 'Plain text 👋.', chunk: 3 });
  const document = await json(await fetch(`${url}/openapi.json`));
  const errorSchema = z.fromJSONSchema(document.components.schemas.Error);

  for (const [path, methods] of Object.entries<Json>(document.paths)) {
    for (const [method, operation] of Object.entries<Json>(methods)) {
      const body = operation.requestBody?.content['application/json'].schema;
      const answers = operation.responses[200].content;
      const schemaOf = (type: string): z.ZodType | null =>
        answers[type] ? z.fromJSONSchema(answers[type].schema) : null;
      const [whole, event] = [schemaOf('application/json'), schemaOf('text/event-stream')];

      const check = async (value: unknown): Promise<void> => {
        const init = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
        const response = await fetch(url + path.replace(/\{\w+\}/, 'fake'), {
          method: method.toUpperCase(),
          ...(body === undefined ? {} : init),
          signal: AbortSignal.timeout(10_000),
        });
        if (response.status !== 200) {
          if (response.status >= 500 || response.status === 422) throw new Error(`status ${response.status}`);
          errorSchema.parse(await response.json());
        } else if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
          for (const data of await readEvents(response)) {
            if (data !== '[DONE]') (data.error ? errorSchema : event!).parse(data);
          }
        } else if (whole !== null) whole.parse(await response.json());
        else await response.text();
      };
      if (body === undefined) {
        await t.resolves(check(undefined), `${method} ${path}`);
        continue;
      }
      // Requests name the served model half of the time, so that more than 404 is seen.
      const named = valuesOf(body).map((v: Json) =>
        v && 'model' in v && typeof v.model === 'string' ? { ...v, model: 'fake' } : v,
      );
      const property = fc.asyncProperty(fc.oneof(named, named, damaged(named), fc.jsonValue()), check);
      await t.resolves(fc.assert(property, { numRuns: runs }), `${method} ${path}`);
    }
  }
  const answered = engine.calls.length;
  t.ok(answered > runs, `${answered} requests reached the engine`);
  t.ok(
    engine.calls.every((c) => c.state !== 'running'),
    'none was left behind',
  );
});
