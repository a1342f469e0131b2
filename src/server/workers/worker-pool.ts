/**
 * Work whose length a client decides, off the HTTP thread: a few processes, one task each at a time, started when they are
 * needed. A task that takes too long or too much memory ends with its process, and another takes its place.
 */
import { fromErrorMessage } from '../../engine/client/messages.ts';
import { EngineError } from '../../errors.ts';
import type { WorkerAnswer } from './messages.ts';
import { WorkerProcess } from './worker-process.ts';

interface WorkerPoolOptions {
  /** A module that calls serveTasks. */
  readonly module: URL;
  /** What its serveTasks starts with; every worker gets a clone. */
  readonly data?: unknown;
  /** Most workers at a time. */
  readonly size: number;
  /** Most tasks that may wait; the next one is refused with queue_full. */
  readonly maxWaiting: number;
  /** Seconds that a task may take: the last resort behind budgets that count work. */
  readonly seconds: number;
  /** Heap of a worker in MiB. */
  readonly memory: number;
}

/** A task was ended for the time or memory that it took. */
export class OverBudget extends EngineError {
  constructor(message: string) {
    super('invalid_value', message);
  }
}

interface Job<Task, Result> {
  readonly task: Task;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: EngineError) => void;
}

interface Slot<Task, Result> {
  readonly worker: WorkerProcess<Task, Result>;
  isReady: boolean;
  job: Job<Task, Result> | null;
  timer: NodeJS.Timeout | undefined;
}

export class WorkerPool<Task, Result> {
  readonly #options: WorkerPoolOptions;
  readonly #slots = new Set<Slot<Task, Result>>();
  #waiting: Job<Task, Result>[] = [];

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Starts a worker, so that the first task need not wait for one. */
  warm(): void {
    if (this.#slots.size === 0) this.#start();
  }

  /**
   * @param signal takes the task back while it waits
   * @throws EngineError what the work threw; queue_full; OverBudget when it took too long or too much memory
   */
  run(task: Task, signal?: AbortSignal): Promise<Result> {
    const { maxWaiting, size } = this.#options;
    return new Promise((resolve, reject) => {
      this.#dropAborted();
      const isBusy = this.#idle() === undefined && this.#slots.size === size;
      if (isBusy && this.#waiting.length >= maxWaiting) return reject(isFull(this.#waiting.length));
      this.#waiting.push({ task, signal, resolve, reject });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    const slots = [...this.#slots];
    this.#slots.clear();
    const jobs = [...this.#waiting.splice(0), ...slots.flatMap((slot) => this.#release(slot) ?? [])];
    for (const job of jobs) job.reject(new EngineError('draining', 'The server is shutting down.'));
    await Promise.all(slots.map(({ worker }) => worker.kill()));
  }

  #idle(): Slot<Task, Result> | undefined {
    return [...this.#slots].find((slot) => slot.isReady && slot.job === null);
  }

  #dropAborted(): void {
    const isGone = (job: Job<Task, Result>): boolean => job.signal?.aborted === true;
    for (const job of this.#waiting.filter(isGone)) job.reject(wasAborted());
    this.#waiting = this.#waiting.filter((job) => !isGone(job));
  }

  #dispatch(): void {
    this.#dropAborted();
    for (let slot = this.#idle(); slot !== undefined && this.#waiting.length > 0; slot = this.#idle()) {
      this.#give(slot, this.#waiting.shift()!);
    }
    const starting = [...this.#slots].filter((slot) => !slot.isReady).length;
    if (this.#waiting.length > starting && this.#slots.size < this.#options.size) this.#start();
  }

  #give(slot: Slot<Task, Result>, job: Job<Task, Result>): void {
    const { seconds } = this.#options;
    slot.job = job;
    slot.worker.hold(true);
    const tooSlow = new OverBudget(`It takes more than ${seconds} s to work out.`);
    slot.timer = setTimeout(() => this.#lose(slot, tooSlow), seconds * 1000);
    slot.worker.give(job.task);
  }

  #start(): void {
    const { module, data, memory } = this.#options;
    const worker = new WorkerProcess<Task, Result>(module, data, memory, {
      answer: (answer) => this.#answered(slot, answer),
      exit: (isOutOfMemory, words) => {
        const tooLarge = new OverBudget('It takes too much memory to work out.');
        this.#lose(slot, isOutOfMemory ? tooLarge : new EngineError('internal_error', `A worker died. ${words}`));
      },
    });
    const slot: Slot<Task, Result> = { worker, isReady: false, job: null, timer: undefined };
    this.#slots.add(slot);
  }

  #answered(slot: Slot<Task, Result>, answer: WorkerAnswer<Result>): void {
    // What a worker said before it was ended may arrive after that, and must not release it: its end is waited for.
    if (!this.#slots.has(slot)) return;
    if (answer.type === 'failed' && !slot.isReady) return this.#lose(slot, fromErrorMessage(answer.error));
    const job = this.#release(slot);
    slot.isReady = true;
    if (answer.type === 'result') job?.resolve(answer.result);
    else if (answer.type === 'failed') job?.reject(fromErrorMessage(answer.error));
    if (this.#waiting.length > 0) this.#dispatch();
    else slot.worker.hold(false); // an idle worker keeps no process alive
  }

  /** The slot's job, which it no longer has. */
  #release(slot: Slot<Task, Result>): Job<Task, Result> | null {
    const { job } = slot;
    clearTimeout(slot.timer);
    slot.job = null;
    return job;
  }

  /** The worker is gone or has to go. One that never came up takes the oldest job with it, so that none waits for ever. */
  #lose(slot: Slot<Task, Result>, error: EngineError): void {
    if (!this.#slots.delete(slot)) return;
    const job = this.#release(slot) ?? (slot.isReady ? null : this.#waiting.shift());
    job?.reject(error);
    void slot.worker.kill();
    this.#dispatch();
  }
}

const wasAborted = (): EngineError => new EngineError('aborted', 'The client went away.');
const isFull = (length: number): EngineError =>
  new EngineError('queue_full', `The server is busy: ${length} requests wait to be prepared. Try again later.`);
