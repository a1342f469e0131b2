import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WorkerPool } from '../../../src/server/workers/worker-pool.ts';
import type { PoolTask } from '../../helpers/pool-worker.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const module = new URL('../../helpers/pool-worker.ts', import.meta.url);

function start(t: Test, options: { size?: number; maxWaiting?: number; seconds?: number } = {}) {
  const defaults = { size: 1, maxWaiting: 10, seconds: 60, memory: 64 };
  const pool = new WorkerPool<PoolTask, string>({ module, ...defaults, ...options });
  t.teardown(() => pool.close());
  return pool;
}

t.test('results and errors of the work', async (t) => {
  const pool = start(t, { size: 2 });
  t.same(await Promise.all(Array.from({ length: 5 }, () => pool.run('echo'))), Array(5).fill('echo'));
  await t.rejects(pool.run('refuse'), { code: 'invalid_value', message: 'field: is wrong', param: 'field' });
  await t.rejects(pool.run('nest'), { code: 'invalid_value', message: /nests too deeply/ });
  t.equal(await pool.run('echo'), 'echo');
});

t.test('work without end ends with its worker, and what waited behind it is done', async (t) => {
  const pool = start(t, { seconds: 0.2 });
  const spinning = pool.run('spin');
  const waiting = pool.run('echo');
  await t.rejects(spinning, { code: 'invalid_value', message: /more than 0.2 s/ });
  t.equal(await waiting, 'echo');
});

t.test('work that takes all memory, and a worker that dies, take nothing with them', async (t) => {
  const pool = start(t);
  const [grown, gone, waiting] = [pool.run('grow'), pool.run('exit'), pool.run('echo')];
  await t.rejects(grown, { code: 'invalid_value', message: /too much memory/ });
  await t.rejects(gone, { code: 'internal_error' });
  t.equal(await waiting, 'echo');
  await t.rejects(pool.run('growOne'), { code: 'invalid_value', message: /too much memory/ });
  const pid = Number(await pool.run('pid'));
  process.kill(pid, 'SIGKILL');
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  t.equal(await pool.run('echo'), 'echo', 'an idle worker that was killed is replaced');
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

t.test('a full queue refuses; a client that leaves makes room', async (t) => {
  const pool = start(t, { maxWaiting: 1 });
  await pool.run('echo');
  const client = new AbortController();
  const spinning = pool.run('spin');
  const waiting = pool.run('echo', client.signal);
  await t.rejects(pool.run('echo'), { code: 'queue_full' });
  client.abort();
  const next = pool.run('echo');
  await t.rejects(waiting, { code: 'aborted' });
  await Promise.all([t.rejects(spinning, { code: 'draining' }), t.rejects(next, { code: 'draining' }), pool.close()]);
});

t.test('a module that cannot be loaded fails the tasks instead of keeping them', async (t) => {
  const pool = new WorkerPool<PoolTask, string>({
    ...{ module: new URL('./missing.ts', import.meta.url), size: 1, maxWaiting: 10, seconds: 60, memory: 64 },
  });
  await Promise.all([t.rejects(pool.run('echo')), t.rejects(pool.run('echo'))]);
});

t.test('closing waits for the end of a worker whose word that it is ready arrives after that', async (t) => {
  const file = join(tempDir(t), 'started');
  const options = { module, data: file, size: 1, maxWaiting: 1, seconds: 60, memory: 64 };
  const pool = new WorkerPool<PoolTask, string>(options);
  pool.warm();
  // Nothing is read from the worker meanwhile: its word lies in the pipe when the pool is closed.
  const sleep = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  await new Promise((resolve) => setImmediate(resolve));
  while (!existsSync(file)) sleep(10);
  sleep(200);
  await pool.close();
  t.pass('else the process would have come to its end here');
});
