// Long lists are worked off in pieces, so that others get a turn of the event loop in between.
import { Hono } from 'hono';
import t from 'tap';
import type { TextTask } from '../../src/server/text-workers/text-tasks.ts';
import { promptLogprobs } from '../../src/server/chat/logprobs.ts';
import { listAnswer } from '../../src/server/http/list-answer.ts';
import { TextService } from '../../src/server/text-workers/text-service.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { BOS, fakeTokenizer } from '../helpers/fake-tokenizer.ts';
import { json } from '../helpers/wire.ts';

/** Counts what happens in each turn of the event loop until `end`. */
class Turns {
  #turn = 0;
  #over = false;
  readonly #counts = new Map<number, number>();

  constructor() {
    const next = (): void => {
      this.#turn++;
      if (!this.#over) setImmediate(next);
    };
    setImmediate(next);
  }

  note(): void {
    this.#counts.set(this.#turn, (this.#counts.get(this.#turn) ?? 0) + 1);
  }

  /** The most in one turn, and all. */
  end(): { readonly most: number; readonly all: number } {
    this.#over = true;
    const counts = [...this.#counts.values()];
    return { most: Math.max(...counts), all: counts.reduce((a, b) => a + b, 0) };
  }
}

t.test('choices are begun 64 in a turn', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const turns = new Turns();
  engine.script = () => {
    turns.note();
    return { text: 'a' };
  };
  const answer = await json(await post('/v1/completions', { prompt: Array<string>(500).fill('a'), max_tokens: 1 }));
  const { most, all } = turns.end();
  t.equal(answer.choices.length, 500);
  t.equal(all, 500);
  t.ok(most <= 64, `${most} were begun in one turn`);
});

t.test('long lists are written half a megabyte in a turn', async (t) => {
  const app = new Hono();
  const item = { text: 'x'.repeat(100_000) };
  const turns = new Turns();
  const items = function* (): Generator<object> {
    for (let i = 0; i < 40; i++) {
      turns.note();
      yield item;
    }
  };
  app.get('/', (c) => listAnswer(c, { object: 'list' }, 'data', items(), () => ({ usage: 3 })));
  app.get('/bare', (c) => listAnswer(c, {}, 'data', [], () => ({})));
  t.same(await (await app.request('/')).json(), { object: 'list', data: Array<object>(40).fill(item), usage: 3 });
  const { most, all } = turns.end();
  t.equal(all, 40);
  t.ok(most <= 7, `${most} were written in one turn`);
  t.same(await (await app.request('/bare')).json(), { data: [] });
});

t.test('log-probabilities of a prompt are written in turns, and are those of the whole', async (t) => {
  const turns = new Turns();
  const ids = Array.from({ length: 5000 }, (_, i) => (i === 0 ? BOS : 97 + (i % 26)));
  const logprobs = ids.map((id) => ({ logprob: -1, top: [{ id, logprob: -1 }] }));
  const tokenizer = {
    ...fakeTokenizer,
    tokenBytes: (id: number) => {
      turns.note();
      return fakeTokenizer.tokenBytes(id);
    },
  };
  const written = await promptLogprobs(tokenizer, { ids, added: 1 }, logprobs);
  const { most } = turns.end();
  t.ok(most < 4 * 2048, `${most} tokens were looked up in one turn`);
  t.equal(
    written.tokens.join(''),
    ids
      .slice(1)
      .map((id) => String.fromCharCode(id))
      .join(''),
  );
  t.same(written.text_offset.slice(0, 4), [0, 0, 1, 2], 'BOS has no text');
  t.equal(written.top_logprobs.length, 5000);
});

t.test('an answer has a bounded number of log-probabilities of prompts', async (t) => {
  const { post, server } = await startFakeServer();
  t.teardown(() => server.close());
  const ask = (n: number) =>
    post('/v1/completions', { prompt: Array<number>(1000).fill(97), echo: true, logprobs: 2, n, max_tokens: 1 });
  t.equal((await ask(20)).status, 200);
  const refused = await ask(100);
  t.equal(refused.status, 400);
  t.match(await json(refused), {
    error: {
      param: 'logprobs',
      message: /1000 tokens of prompts, 100 choices and 3 log-probabilities a token make 300000/,
    },
  });
});

t.test('texts of single tokens come from their worker in pieces, in order', async (t) => {
  const sizes: number[] = [];
  const run = async (task: TextTask) => {
    if (task.type !== 'decode' || !task.each) throw new Error(`unexpected ${task.type}`);
    sizes.push(task.ids.length);
    return Array.from(task.ids, String);
  };
  const service = new TextService({ run }, { longestToken: 1, traits: null });
  const ids = Array.from({ length: 40_000 }, (_, i) => i);
  t.same(await service.decodeEach(ids, new AbortController().signal), ids.map(String));
  t.same(sizes, [16384, 16384, 7232]);
  t.same(await service.decodeEach([], new AbortController().signal), []);
});
