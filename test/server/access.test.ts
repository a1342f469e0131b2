// Who may call: pages of this machine and of other origins, hosts, and what callers may write into the log.
import { request } from 'node:http';
import t from 'tap';
import type { ServerConfig } from '../../src/config.ts';
import { logEntry } from '../../src/server/http/log.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { json } from '../helpers/wire.ts';

const chat = { messages: [{ role: 'user', content: 'Hi' }] };
const allowed = 'access-control-allow-origin';

t.test('CORS: pages on localhost, and those of --cors_origins', async (t) => {
  const { url, post, server } = await startFakeServer({ corsOrigins: ['https://a.example'], apiKeys: ['k'] });
  t.teardown(() => server.close());
  for (const origin of [
    'https://a.example',
    'http://localhost:3000',
    'http://127.0.0.1:8080',
    'https://localhost',
    'http://[::1]:5173',
  ]) {
    const headers = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const preflight = await fetch(`${url}/v1/chat/completions`, { method: 'OPTIONS', headers });
    t.equal(preflight.status, 204, 'before the key');
    t.equal(preflight.headers.get(allowed), origin);
    t.match(preflight.headers.get('access-control-allow-headers'), /authorization/);
    const refused = await post('/v1/chat/completions', chat, { headers: { origin } });
    t.equal(refused.status, 401);
    t.equal(refused.headers.get(allowed), origin, 'on errors too');
    t.match(refused.headers.get('access-control-expose-headers'), 'x-request-id', 'scripts may read the request id');
  }
  for (const origin of ['https://b.example', 'http://localhost.b.example', 'http://127.0.0.1.b.example', 'null']) {
    const other = await fetch(`${url}/health`, { headers: { origin } });
    t.equal(other.headers.get(allowed), null, origin);
  }
});

t.test('without a key, pages from elsewhere cause nothing', async (t) => {
  const { engine, url, post, server } = await startFakeServer();
  t.teardown(() => server.close());
  const evil = { origin: 'https://evil.example' };
  // What a page may send without a preflight: no content type, or no body.
  const simple = { method: 'POST', body: new Blob([JSON.stringify(chat)]) };
  for (const headers of [evil, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
    for (const init of [
      { ...simple, headers },
      { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
    ]) {
      const response = await fetch(`${url}/v1/chat/completions`, init);
      t.equal(response.status, 403);
      t.match((await json(response)).error, { code: 'forbidden', message: /--cors_origins/ });
    }
    t.equal((await fetch(`${url}/flush_cache`, { method: 'POST', headers })).status, 403);
  }
  t.equal(engine.calls.length, 0);
  t.equal(engine.flushed, 0);
  for (const headers of [
    {},
    { origin: 'http://localhost:3000' },
    { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' },
    { origin: url },
    { origin: 'vscode-webview://1x2y3z' },
    { 'sec-fetch-mode': 'cors' },
    { 'sec-fetch-site': 'same-origin' },
  ]) {
    t.equal(
      (await post('/v1/chat/completions', chat, { headers: { ...headers, 'content-type': 'application/json' } }))
        .status,
      200,
    );
  }
  const open = await startFakeServer({ corsOrigins: ['*'] });
  t.teardown(() => open.server.close());
  t.equal((await open.post('/flush_cache', {}, { headers: evil })).status, 200);
});

/** The status for a request that names this host. fetch sets the header by itself. */
function statusFor(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/health', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

t.test('a server on loopback answers to local names', async (t) => {
  const start = async (settings: Partial<ServerConfig>): Promise<number> => {
    const { server } = await startFakeServer(settings);
    t.teardown(() => server.close());
    return server.port;
  };
  const plain = await start({});
  for (const host of ['localhost', `127.0.0.1:${plain}`, '[::1]:80', 'LOCALHOST:1', 'dawn.localhost', 'localhost.']) {
    t.equal(await statusFor(plain, host), 200, host);
  }
  for (const host of [
    'evil.example',
    `evil.example:${plain}`,
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.7',
  ]) {
    t.equal(await statusFor(plain, host), 403, host);
  }
  const named = await start({ allowedHosts: ['llm.example'] });
  t.equal(await statusFor(named, 'llm.example:443'), 200);
  t.equal(await statusFor(named, 'localhost'), 200);
  t.equal(await statusFor(named, 'evil.example'), 403);
  t.equal(await statusFor(await start({ allowedHosts: ['*'] }), 'evil.example'), 200);
  t.equal(await statusFor(await start({ apiKeys: ['k'] }), 'llm.example'), 200, 'a key protects by itself');
  t.equal(await statusFor(await start({ host: '0.0.0.0' }), 'llm.example'), 200, 'off loopback any name may be ours');
});

t.test('nothing that a caller writes forges a line of the log', async (t) => {
  const { url, post, server } = await startFakeServer();
  t.teardown(() => server.close());
  for (const request_id of ['a\nrequest b: 9 tokens', 'a\u001b[2J', 'a b', 'a\u202eb', 'é', '', 'x'.repeat(129)]) {
    for (const path of ['/v1/chat/completions', '/v1/completions']) {
      const response = await post(path, { ...chat, prompt: 'Hi', request_id });
      t.equal(response.status, 400, JSON.stringify(request_id));
      t.equal((await json(response)).error.param, 'request_id');
    }
  }
  t.match((await json(await post('/v1/chat/completions', { ...chat, request_id: 'my-id:7/x' }))).id, /my-id:7\/x$/);
  const echoed = (id: string): Promise<string | null> =>
    fetch(`${url}/health`, { headers: { 'x-request-id': id } }).then((r) => r.headers.get('x-request-id'));
  t.equal(await echoed('my-id:7/x'), 'my-id:7/x');
  for (const id of ['a\tb', 'é', 'x'.repeat(129)]) t.match(await echoed(id), /^[0-9a-f-]{36}$/, 'one of our own');
  t.equal(
    (
      await post('/v1/messages', {}, { headers: { 'x-request-id': 'abc', 'content-type': 'application/json' } })
    ).headers.get('request-id'),
    'abc',
  );

  const entry = logEntry('Error: bad "\u001b[31mred\u0007"\r\nrequest fake: 1 tokens\n    at f\u2028next\u202e');
  t.same(entry.split('\n'), [
    'Error: bad "\\u{1b}[31mred\\u{7}"',
    '    request fake: 1 tokens',
    '    at f',
    '    next\\u{202e}',
  ]);
});

t.test('slashes too many, and whether anybody is there', async (t) => {
  const { url, post, server } = await startFakeServer({ apiKeys: ['k'] });
  t.teardown(() => server.close());
  t.equal((await fetch(`${url}/`, { method: 'HEAD' })).status, 200, 'without a key: Claude Code asks this first');
  t.equal((await fetch(`${url}//health/`)).status, 200);
  const headers = { authorization: 'Bearer k', 'content-type': 'application/json' };
  for (const path of ['/v1/chat/completions/', '//v1/chat/completions']) {
    t.equal((await post(path, chat, { headers })).status, 200, path);
    t.equal((await post(path, chat)).status, 401, path);
  }
  t.equal((await fetch(`${url}/v1/models/`, { headers })).status, 200);
  t.equal((await json(await fetch(`${url}/v1/models/org/fake/`, { headers }))).id, 'org/fake');
  t.equal((await fetch(`${url}/v1/chat/completions/`, { headers })).headers.get('allow'), 'POST');
});

t.test('model names', async (t) => {
  const any = await startFakeServer({ servedModelName: [] }, { modelNames: ['fake'] });
  t.teardown(() => any.server.close());
  const given = await startFakeServer();
  t.teardown(() => given.server.close());
  const bodies = {
    '/v1/chat/completions': chat,
    '/v1/completions': { prompt: 'Hi' },
    '/v1/embeddings': { input: 'Hi' },
    '/v1/responses': { input: 'Hi' },
    '/v1/messages': { ...chat, max_tokens: 5 },
    '/v1/messages/count_tokens': chat,
  };
  for (const [path, body] of Object.entries(bodies)) {
    const model = 'your_model_name';
    const answered = await any.post(path, { model, ...body });
    t.equal(answered.status, 200, `${path} without --served_model_name`);
    if (!path.endsWith('count_tokens'))
      t.equal((await json(answered)).model, model, 'under the name that was asked for');
    const refused = await given.post(path, { model, ...body });
    t.equal(refused.status, 404, `${path} with it`);
    t.match((await json(refused)).error, { code: 'model_not_found', message: /your_model_name/ });
  }
  const { data } = await json(await fetch(`${any.url}/v1/models`));
  t.same(
    data.map((m: { id: string }) => m.id),
    ['fake'],
    'listed is what is served',
  );
  t.equal((await fetch(`${any.url}/v1/models/your_model_name`)).status, 404);
});
