// Tokenizing and chat templates in workers: what loops or grows without end there is one request's fault, not the server's.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { moduleUrl } from '../../src/module-url.ts';
import { describeText, textPool, TextService } from '../../src/server/text-workers/text-service.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { smallJson, writeSmallModel } from '../helpers/small-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { json } from '../helpers/wire.ts';

const module = moduleUrl('../../src/commands/text-worker.ts', import.meta.url);
/** Loops, or eats memory, when the last message says so. */
const template =
  "{% set last = messages[-1].content %}{% if last == 'loop' %}{% for i in range(100000) %}{% for j in range(100000) %}" +
  "{% endfor %}{% endfor %}{% elif last == 'grow' %}{% set ns = namespace(all=[1, 2]) %}{% for i in range(40) %}" +
  '{% set ns.all = ns.all + ns.all %}{% endfor %}{% endif %}' +
  '{% for m in messages %}{{ m.content }}{% endfor %}';

function start(t: Test, data: object, seconds = 5) {
  const pool = textPool(module, data, { size: 1, seconds, maxWaiting: 10 });
  t.teardown(() => pool.close());
  return pool;
}

/** A server whose text workers read a model directory that the test wrote. */
async function serve(t: Test, modelDir: string, chatTemplate: string | null) {
  const pool = start(t, { modelDir, chatTemplate });
  const server = await startFakeServer({}, { text: new TextService(pool, await describeText(pool)) });
  t.teardown(() => server.server.close());
  const chat = (content: string) => server.post('/v1/chat/completions', { messages: [{ role: 'user', content }] });
  return { ...server, chat };
}

t.test('a chat template that loops or eats memory for one conversation', async (t) => {
  const modelDir = tempDir(t);
  writeSmallModel(modelDir);
  const { chat, url, engine } = await serve(t, modelDir, template);
  let over = false;
  const looping = chat('loop').finally(() => (over = true));
  const behind = chat('ab');
  t.equal((await fetch(`${url}/health`)).status, 200);
  t.notOk(over, 'others are answered while it loops');
  const answer = await looping;
  t.equal(answer.status, 400);
  t.match((await json(answer)).error, { param: 'messages', message: /more than 5 s to work out/ });
  t.equal((await behind).status, 200, 'a request that waited behind it is answered');
  t.same(engine.calls[0]?.promptIds, [4], '"ab" is one token');
  const grown = await chat('grow');
  t.equal(grown.status, 400);
  t.match((await json(grown)).error, { param: 'messages', message: /too much memory|more than 5 s/ });
  t.equal((await chat('ab')).status, 200);
});

t.test('a tokenizer.json whose expression never ends', async (t) => {
  const modelDir = tempDir(t);
  writeSmallModel(modelDir);
  const tokenizer = {
    ...smallJson['tokenizer.json'],
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: '(a+)+b' }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
      ],
    },
  };
  writeFileSync(join(modelDir, 'tokenizer.json'), JSON.stringify(tokenizer));
  const { post, url } = await serve(t, modelDir, null);
  let over = false;
  const looping = post('/v1/completions', { prompt: 'a'.repeat(60) }).finally(() => (over = true));
  t.equal((await fetch(`${url}/health`)).status, 200);
  t.notOk(over);
  t.equal((await looping).status, 400);
  t.equal((await json(await post('/tokens', { text: 'ab' }))).ntokens, 1);
});

t.test('a model whose template never ends, or is none, fails at the start and says so', async (t) => {
  const modelDir = tempDir(t);
  writeSmallModel(modelDir);
  const loop = '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}';
  await t.rejects(describeText(start(t, { modelDir, chatTemplate: loop }, 2)), {
    code: 'model_not_readable',
    message: /chat template does not come to an end/,
  });
  await t.rejects(describeText(start(t, { modelDir, chatTemplate: '{% if %}' })), {
    code: 'model_not_readable',
    message: /does not parse/,
  });
});
