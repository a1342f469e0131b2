/** Adapters over HTTP: requests name them as their model, /v1/models lists them, vLLM's endpoints load and unload them. */
import t from 'tap';
import { startFakeServer } from '../helpers/fake-server.ts';

interface Answer {
  readonly error?: { readonly message: string; readonly param: string | null; readonly code: string };
  readonly model?: string;
}
const errorOf = async (response: Response) => ((await response.json()) as Answer).error;

t.test('requests name an adapter as their model', async (t) => {
  const { engine, client, post, server } = await startFakeServer();
  t.teardown(() => server.close());
  await engine.loadAdapter('sql', '/adapters/sql');
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const chat = await client.chat.completions.create({ model: 'sql', messages });
  t.equal(chat.model, 'sql');
  await client.completions.create({ model: 'sql', prompt: 'Hi' });
  await client.responses.create({ model: 'sql', input: 'Hi' });
  await post('/v1/messages', { model: 'sql', max_tokens: 5, messages });
  await post('/generate', { inputs: 'Hi', parameters: { adapter_id: 'sql' } });
  t.same(
    engine.calls.map(({ adapter }) => adapter),
    Array.from({ length: 5 }, () => 'sql'),
  );
  await client.chat.completions.create({ model: 'fake', messages });
  await post('/generate', { inputs: 'Hi', parameters: { adapter_id: '' } });
  t.same(
    engine.calls.slice(5).map(({ adapter }) => adapter),
    [undefined, undefined],
    'the model itself',
  );
  const unknown = await post('/v1/chat/completions', { model: 'other', messages });
  t.equal(unknown.status, 404);
  t.match(await errorOf(unknown), { code: 'model_not_found', param: 'model', message: /"sql"/ });
  const generate = await post('/generate', { inputs: 'Hi', parameters: { adapter_id: 'other' } });
  t.equal(generate.status, 404);
  t.match(await errorOf(generate), { code: 'model_not_found', param: 'parameters.adapter_id', message: /"sql"/ });
});

t.test('any name is answered by the model alone where none was given', async (t) => {
  const { engine, client, server } = await startFakeServer({ servedModelName: [] });
  t.teardown(() => server.close());
  await engine.loadAdapter('sql', '/adapters/sql');
  for (const model of ['gpt-4o', 'sql']) await client.completions.create({ model, prompt: 'Hi' });
  t.same(
    engine.calls.map(({ adapter }) => adapter),
    [undefined, 'sql'],
  );
});

t.test('/v1/models lists them with the model that they change', async (t) => {
  const { engine, client, server } = await startFakeServer();
  t.teardown(() => server.close());
  await engine.loadAdapter('sql', '/adapters/sql');
  const { data } = await client.models.list();
  t.match(data, [
    { id: 'fake', parent: null },
    { id: 'org/fake' },
    { id: 'sql', root: '/adapters/sql', parent: 'fake' },
  ]);
  t.match(await client.models.retrieve('sql'), { id: 'sql', parent: 'fake' });
});

t.test('loading and unloading', async (t) => {
  const { engine, post, server } = await startFakeServer();
  t.teardown(() => server.close());
  const load = (body: object) => post('/v1/load_lora_adapter', body);
  const unload = (body: object) => post('/v1/unload_lora_adapter', body);

  const loaded = await load({ lora_name: 'sql', lora_path: '/adapters/sql' });
  t.equal(loaded.status, 200);
  t.equal(await loaded.text(), "Success: LoRA adapter 'sql' added successfully.");
  t.match(engine.adapters(), [{ name: 'sql', path: '/adapters/sql' }]);

  for (const [body, param, message] of [
    [{ lora_name: 'sql', lora_path: '/other' }, 'lora_name', /has already been loaded/],
    [{ lora_name: 'fake', lora_path: '/other' }, 'lora_name', /name of the model itself/],
    [{ lora_name: 'x', lora_path: 'missing' }, 'lora_path', /no such file/],
    [{ lora_name: 'x' }, 'lora_path', /./],
    [{ lora_path: 'x' }, 'lora_name', /./],
    [{ lora_name: 'x', lora_path: 'x', load_inplace: true }, 'load_inplace', /unload it first/],
  ] as const) {
    const response = await load(body);
    t.equal(response.status, 400, JSON.stringify(body));
    t.match(await errorOf(response), { param, message });
  }

  const unloaded = await unload({ lora_name: 'sql' });
  t.equal(unloaded.status, 200);
  t.equal(await unloaded.text(), "Success: LoRA adapter 'sql' removed successfully.");
  const again = await unload({ lora_name: 'sql' });
  t.equal(again.status, 404);
  t.match(await errorOf(again), { message: "The lora adapter 'sql' cannot be found.", code: 'not_found' });
});

t.test('behind the API key', async (t) => {
  const { post, server } = await startFakeServer({ apiKeys: ['secret'] });
  t.teardown(() => server.close());
  const body = { lora_name: 'sql', lora_path: '/adapters/sql' };
  t.equal((await post('/v1/load_lora_adapter', body)).status, 401);
  t.equal((await post('/v1/unload_lora_adapter', body)).status, 401);
  const headers = { authorization: 'Bearer secret', 'content-type': 'application/json' };
  t.equal((await post('/v1/load_lora_adapter', body, { headers })).status, 200);
});
