/** A worker of a pool that does what its task says. */
import { serveTasks } from '../../src/server/workers/serve-tasks.ts';
import { EngineError } from '../../src/errors.ts';

export type PoolTask = 'echo' | 'pid' | 'refuse' | 'spin' | 'grow' | 'growOne' | 'nest' | 'exit';

serveTasks((_: undefined) => (task: PoolTask) => {
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
});

function nest(depth: number): number {
  return nest(depth + 1) + 1;
}
