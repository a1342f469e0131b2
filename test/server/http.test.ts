// What every request passes: keys, limits, wrong paths and methods, shutdown.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import t from 'tap';
import { endpointTables } from '../../src/server/http/api-tables.ts';
import { listen } from '../../src/server/http/listen.ts';
import { startFakeServer, until } from '../helpers/fake-server.ts';
import { json } from '../helpers/wire.ts';

const chat = { messages: [{ role: 'user', content: 'Hi' }] };

t.test('API keys', async (t) => {
  const { url, post, client, server } = await startFakeServer({ apiKeys: ['one', 'two'] });
  t.teardown(() => server.close());
  t.equal((await client.chat.completions.create({ model: 'fake', ...chat } as never)).object, 'chat.completion');
  const authorized = (headers: Record<string, string>) => fetch(`${url}/v1/models`, { headers });
  t.equal((await authorized({ authorization: 'Bearer two' })).status, 200);
  t.equal((await authorized({ 'x-api-key': 'one' })).status, 200);
  t.equal(
    (await authorized({ authorization: 'Bearer three', 'x-api-key': 'one' })).status,
    200,
    'either right key opens',
  );
  t.equal((await authorized({ authorization: 'Bearer two', 'x-api-key': 'three' })).status, 200);
  for (const headers of [
    {},
    { authorization: 'Bearer three', 'x-api-key': 'four' },
    { authorization: 'Bearer three' },
    { authorization: 'Bearer ' },
    { authorization: 'one' },
  ]) {
    const response = await authorized(headers);
    t.equal(response.status, 401);
    t.equal((await json(response)).error.code, 'invalid_api_key');
  }
  for (const path of ['/generate', '/tokenize', '/v1/chat/completions']) t.equal((await post(path, chat)).status, 401);
  for (const path of ['/health', '/metrics', '/docs']) t.equal((await fetch(url + path)).status, 200);
});

t.test('wrong paths, methods, types and sizes', async (t) => {
  const { url, post, server } = await startFakeServer({ bodyLimit: 2000 });
  t.teardown(() => server.close());
  const check = async (response: Response, status: number, code: string): Promise<void> => {
    t.equal(response.status, status);
    const { error } = await json(response);
    t.equal(error.code, code, error.message);
    t.ok(response.headers.get('x-request-id'));
  };
  await check(await fetch(`${url}/v1/nothing`), 404, 'not_found');
  const get = await fetch(`${url}/v1/chat/completions`);
  t.equal(get.headers.get('allow'), 'POST');
  await check(get, 405, 'method_not_allowed');
  await check(await post('/v1/models', {}), 405, 'method_not_allowed');
  await check(
    await post('/v1/chat/completions', 'a=b', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    415,
    'unsupported_media_type',
  );
  const zipped = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  await check(await post('/v1/chat/completions', '\u001f', { headers: zipped }), 415, 'unsupported_media_type');
  await check(await post('/v1/chat/completions', '{'), 400, 'invalid_request');
  await check(await post('/v1/chat/completions', ''), 400, 'invalid_request');
  await check(await post('/v1/chat/completions', { x: 'y'.repeat(3000) }), 413, 'request_too_large');
  const body = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 50; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(100)));
      controller.close();
    },
  });
  await check(
    await fetch(`${url}/tokenize`, { method: 'POST', body, duplex: 'half' } as never),
    413,
    'request_too_large',
  );
  const echoed = await fetch(`${url}/health`, { headers: { 'x-request-id': 'abc' } });
  t.equal(echoed.headers.get('x-request-id'), 'abc');
  t.equal((await fetch(`${url}/health`, { method: 'HEAD' })).status, 200);
  const flush = await fetch(`${url}/flush_cache`);
  t.equal(flush.headers.get('allow'), 'POST', 'what changes something is no GET');
  await check(flush, 405, 'method_not_allowed');
  const deep = await startFakeServer();
  t.teardown(() => deep.server.close());
  const nested = `{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"a":${'['.repeat(50000)}${']'.repeat(50000)}}}}]}`;
  t.equal((await deep.post('/v1/chat/completions', nested)).status, 400, 'absurd nesting is the client’s fault');
});

t.test('shutdown lets running answers finish', async (t) => {
  const { engine, ctx, post, url, server } = await startFakeServer();
  engine.script = () => ({ text: 'finished', delay: 20 });
  const running = post('/v1/chat/completions', chat);
  await until(() => engine.calls.length === 1);
  const closed = server.close();
  t.equal((await json(await running)).choices[0].message.content, 'finished');
  await closed;
  await t.rejects(fetch(`${url}/health`));
  const cut = await startFakeServer({ drainTimeout: 0 });
  cut.engine.script = () => ({ text: 'x'.repeat(1000), delay: 10 });
  const never = cut.post('/v1/chat/completions', { ...chat, max_tokens: 1000 }).then(
    () => 'answered',
    () => 'cut off',
  );
  await until(() => cut.engine.calls.length === 1);
  await cut.server.close();
  t.equal(await never, 'cut off');
  await until(() => cut.engine.calls[0]?.state === 'aborted');
  t.ok(ctx);
});

t.test('a port in use', async (t) => {
  const { ctx, server } = await startFakeServer();
  t.teardown(() => server.close());
  const { createApp } = await import('../../src/server/http/app.ts');
  const again = listen(createApp(ctx), { ...ctx.settings, port: server.port });
  await t.rejects(again, { code: 'port_in_use', message: new RegExp(`Port ${server.port} on 127.0.0.1 is in use`) });
});

t.test('/openapi.json, /docs and docs/api.md say the same', async (t) => {
  const { url, server } = await startFakeServer();
  t.teardown(() => server.close());
  const document = await json(await fetch(`${url}/openapi.json`));
  t.equal(document.openapi, '3.1.0');
  const page = await (await fetch(`${url}/docs`)).text();
  for (const path of Object.keys(document.paths)) t.ok(page.includes(`<code>`) && page.includes(path), path);
  t.notMatch(page, /<script|https?:\/\/(?!127)/, 'no scripts, nothing from elsewhere');

  const rows = endpointTables(document).map((endpoint) => {
    const head = `### ${endpoint.title}\n\n${endpoint.summary}${endpoint.streams ? ' May stream.' : ''}\n`;
    const fields = endpoint.fields.map((f) => {
      const cell = (text: string): string => text.replaceAll('|', '\\|');
      return `| \`${f.name}\`${f.required ? ' (required)' : ''} | ${cell(f.type)} | ${f.support} | ${cell(f.description)} |`;
    });
    return fields.length === 0
      ? head
      : `${head}\n| field | type | support | |\n|---|---|---|---|\n${fields.join('\n')}\n`;
  });
  const file = fileURLToPath(new URL('../../docs/api.md', import.meta.url));
  const mark = '<!-- made by test/server/http.test.ts -->\n';
  const text = readFileSync(file, 'utf8');
  const made = `${text.slice(0, text.indexOf(mark))}${mark}\n${rows.join('\n')}`;
  const wanted = await format(made, { ...(await resolveConfig(file)), filepath: file });
  if (process.env['UPDATE_DOCS']) writeFileSync(file, wanted);
  else t.ok(text === wanted, 'docs/api.md is not up to date: run this test with UPDATE_DOCS=1');
});
