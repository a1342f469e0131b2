/**
 * A child process that does one task at a time and can be ended in the middle of it. Not a thread: when a thread's heap is
 * full, V8 may end the whole process, whatever resourceLimits say (Node 20: one large array or Map is enough).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WorkerAnswer } from './messages.ts';

interface ProcessEvents<Result> {
  readonly answer: (answer: WorkerAnswer<Result>) => void;
  /** Once, for whatever reason; `words` is what it wrote to stderr, the last of it. */
  readonly exit: (isOutOfMemory: boolean, words: string) => void;
}

export class WorkerProcess<Task, Result> {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #words = '';

  /**
   * @param module calls serveTasks
   * @param memory MiB of JavaScript heap
   */
  constructor(module: URL, data: unknown, memory: number, { answer, exit }: ProcessEvents<Result>) {
    // The parent's TypeScript loader, if it has one, but not its debugger's port.
    const execArgv = process.execArgv.filter((flag) => !flag.startsWith('--inspect'));
    this.#child = fork(fileURLToPath(module), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [...execArgv, `--max-old-space-size=${memory}`],
    });
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.#words = (this.#words + chunk.toString()).slice(-4000)));
    this.#child.on('message', answer);
    this.#gone = new Promise((resolve) => {
      const end = (_: number | null, signal: string | null = null): void => {
        exit(signal === 'SIGABRT' || /heap out of memory|invalid size error/.test(this.#words), this.#words.trim());
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', (error) => {
        this.#words += error.message;
        end(null);
      });
    });
    this.#send({ start: data });
  }

  /** The next answer is the task's. */
  give(task: Task): void {
    this.#send({ task });
  }

  /** Fulfilled when it is gone. */
  kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    this.#child.ref();
    return this.#gone;
  }

  /** Whether it keeps the parent alive, as a busy one should and an idle one should not. */
  hold(isBusy: boolean): void {
    const { channel, stderr } = this.#child;
    const handles = [this.#child, channel, stderr as unknown as { ref(): void; unref(): void }];
    for (const handle of handles) {
      if (isBusy) handle?.ref();
      else handle?.unref();
    }
  }

  #send(message: { readonly start: unknown } | { readonly task: Task }): void {
    // It may be gone already: its exit is heard of anyway.
    this.#child.send(message, () => undefined);
  }
}
