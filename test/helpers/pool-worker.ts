/** A worker of a pool that does what its task says. */
import { writeFileSync } from 'node:fs';
import { serveTasks } from '../../src/server/workers/serve-tasks.ts';
import { EngineError } from '../../src/errors.ts';

export type PoolTask = 'echo' | 'pid' | 'refuse' | 'spin' | 'grow' | 'growOne' | 'nest' | 'exit';

/** @param data a file that is made when the worker starts, so that a test can see it without its event loop */
serveTasks((data: string | undefined) => {
  if (data !== undefined) writeFileSync(data, '');
  return doTask;
});

function doTask(task: PoolTask): string | number {
  switch (task) {
    case 'echo':
      return task;
    case 'pid':
      return String(process.pid);
    case 'refuse':
      throw new EngineError('invalid_value', 'field: is wrong', { param: 'field' });
    case 'spin':
      for (;;);
    case 'grow':
      for (const kept: unknown[] = []; ;) kept.push(Array.from({ length: 100_000 }, (_, i) => [i]));
    case 'growOne': // one array: no thread survives this, nor the process that it is in
      for (const kept: number[] = []; ;) kept.push(kept.length);
    case 'nest':
      return nest(0);
    case 'exit':
      return process.exit(3);
  }
}

function nest(depth: number): number {
  return nest(depth + 1) + 1;
}
