/** The worker's end of a worker pool. */
import { parentPort } from 'node:worker_threads';
import { toErrorMessage } from '../../engine/client/messages.ts';
import { EngineError } from '../../errors.ts';
import type { WorkerAnswer } from './messages.ts';

/** Answers each of the pool's tasks with what `work` returns or throws. */
export function serveTasks<Task, Result>(work: (task: Task) => Result): void {
  if (!parentPort) throw new Error('a worker pool’s modules run as worker threads only');
  const port = parentPort;
  const send = (answer: WorkerAnswer<Result>): void => port.postMessage(answer);
  port.on('message', (task: Task) => {
    try {
      send({ type: 'result', result: work(task) });
    } catch (error) {
      send({ type: 'failed', error: toErrorMessage(isTooDeep(error) ? tooDeep(error) : error) });
    }
  });
  send({ type: 'ready' });
}

/** Recursion over what a client sent ends here when that nests tens of thousands deep. */
function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}

const tooDeep = (cause: unknown): EngineError =>
  new EngineError('invalid_value', 'The request nests too deeply.', { cause });
