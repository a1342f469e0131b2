// Every endpoint is sent random requests made from its own OpenAPI schema, right and damaged (helpers/fuzz-endpoints.ts).
// `npm run bench -- server --fuzz N` does the same with the real server and engine.
import t from 'tap';
import { fuzzEndpoints } from '../helpers/fuzz-endpoints.ts';
import { startFakeServer } from '../helpers/fake-server.ts';

const requests = Number(process.env['FUZZ_REQUESTS'] ?? 1500);
const toolCall = '<think>hm</think>Well.<tool_call>{"name": "f", "arguments": {"x": "é👋"}}</tool_call>';

t.test('random requests', async (t) => {
  const { engine, url, server } = await startFakeServer({}, { reasoningParser: 'qwen3' });
  t.teardown(() => server.close());
  engine.script = (call) => ({ text: call.promptIds.length % 2 === 0 ? toolCall : 'Plain text 👋.', chunk: 3 });
  const seed = Math.floor(Math.random() * 2 ** 31);
  const report = await fuzzEndpoints(url, { requests, seed, model: 'fake', parallel: 4 });
  t.same(report.faults, [], `seed ${seed}`);
  t.ok(report.requests >= requests, `${report.requests} requests`);
  t.ok(engine.calls.length > requests / 10, `${engine.calls.length} requests reached the engine`);
  t.ok(
    engine.calls.every((c) => c.state !== 'running'),
    'none was left behind',
  );
});
