/** Between a worker pool and its workers. A worker has one task at a time. */
import type { ErrorMessage } from '../../engine/client/messages.ts';

export type WorkerAnswer<Result> =
  /** Once, when the worker can take tasks; a 'failed' instead says that it never will. */
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly result: Result }
  | { readonly type: 'failed'; readonly error: ErrorMessage };
