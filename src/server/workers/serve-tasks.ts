/** The inside of a worker pool's process. */
import { Worker } from 'node:worker_threads';
import { toErrorMessage } from '../../engine/client/messages.ts';
import { EngineError } from '../../errors.ts';
import type { WorkerAnswer } from './messages.ts';

/** Ends the process when its parent is gone: its main thread may be in a loop and hear of nothing. */
const watch = `
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000);
`;

/**
 * Answers each of the pool's tasks with what the work returns or throws.
 * @param start makes the work from the pool's `data`
 */
export function serveTasks<Data, Task, Result>(start: (data: Data) => (task: Task) => Result): void {
  if (!process.send) throw new Error('a worker pool’s modules run as its processes only');
  let work: (task: Task) => Result;
  const send = (answer: WorkerAnswer<Result>): void => void process.send!(answer);
  process.on('message', (message: { readonly start: Data } | { readonly task: Task }) => {
    try {
      if ('task' in message) return send({ type: 'result', result: work(message.task) });
      work = start(message.start);
      send({ type: 'ready' });
    } catch (error) {
      send({ type: 'failed', error: toErrorMessage(isTooDeep(error) ? tooDeep(error) : error) });
    }
  });
  // Signals reach all processes of a terminal or a service at once: this one is needed until its parent has finished.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  new Worker(watch, { eval: true, execArgv: [] }).unref();
}

/** Recursion over what a client sent ends here when that nests tens of thousands deep. */
function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}

const tooDeep = (cause: unknown): EngineError =>
  new EngineError('invalid_value', 'The request nests too deeply.', { cause });
