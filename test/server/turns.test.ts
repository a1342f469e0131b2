// Long lists are worked off in pieces, so that others get a turn of the event loop in between.
import t from 'tap';
import type { TextTask } from '../../src/server/text-workers/text-tasks.ts';
import { TextService } from '../../src/server/text-workers/text-service.ts';
import { FakeEngine } from '../helpers/fake-engine.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
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

t.test('vectors are written 32 in a turn', async (t) => {
  const turns = new Turns();
  class Watched extends FakeEngine {
    override async pool(...args: Parameters<FakeEngine['pool']>): ReturnType<FakeEngine['pool']> {
      const output = await super.pool(...args);
      const { pooled } = output;
      pooled.subarray = (...range) => {
        turns.note();
        return Float32Array.prototype.subarray.apply(pooled, range);
      };
      return output;
    }
  }
  const { post, server } = await startFakeServer({}, { engine: new Watched() });
  t.teardown(() => server.close());
  const { data } = await json(
    await post('/v1/embeddings', { input: Array.from({ length: 500 }, (_, i) => [i % 200]) }),
  );
  const { most, all } = turns.end();
  t.equal(data.length, 500);
  t.equal(all, 500);
  t.ok(most <= 32, `${most} were written in one turn`);
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
