/**
 * The engine's end of a grammar thread, which is started with the first constraint. A thread that dies or hangs is replaced:
 * what it was working on fails, every other constraint is opened anew behind the tokens it has.
 */
import { Worker } from 'node:worker_threads';
import { EngineError, toEngineError } from '../../errors.ts';
import { moduleUrl } from '../../module-url.ts';
import type { Constraint, Constraints, ConstraintSpec, Vocabulary } from './constraint.ts';
import { fromErrorMessage } from '../client/messages.ts';
import type { GrammarCommand, GrammarMessage, GrammarWorkerData } from './grammar-messages.ts';

const workerFile = moduleUrl('./grammar-worker.ts', import.meta.url);

/** Seconds for one command: the last resort behind grammar-cost.ts. */
const longest = 90;

/** A constraint that is not closed. */
interface Live {
  readonly id: number;
  readonly spec: ConstraintSpec;
  /** Its output so far. */
  readonly tokenIds: number[];
  /** The thread has a matcher for it that has seen all of the output. */
  isOpen: boolean;
  waiting: { readonly resolve: (mask: Uint32Array | null) => void; readonly reject: (e: EngineError) => void } | null;
}

export class GrammarThread implements Constraints {
  readonly #data: GrammarWorkerData;
  readonly #seconds: number;
  readonly #live = new Map<number, Live>();
  #worker: Worker | null = null;
  #isReady = false;
  /** What is to be opened; one at a time is, so that masks of others come between. */
  #opens: Live[] = [];
  #opening: Live | null = null;
  /** Commands that are not answered yet, by their constraint; the thread works on the first. */
  #posted: Live[] = [];
  #timer: NodeJS.Timeout | undefined;
  #nextId = 0;

  /** @param stopTokenIds tokens that end the output, allowed where a grammar is complete */
  constructor(vocabulary: Vocabulary, stopTokenIds: readonly number[], seconds = longest) {
    this.#data = { vocabulary, stopTokenIds };
    this.#seconds = seconds;
  }

  async open(spec: ConstraintSpec, tokenIds: readonly number[], signal?: AbortSignal): Promise<Constraint> {
    signal?.throwIfAborted();
    const live: Live = { id: this.#nextId++, spec, tokenIds: [...tokenIds], isOpen: false, waiting: null };
    this.#live.set(live.id, live);
    const close = (): void => this.#close(live);
    signal?.addEventListener('abort', close, { once: true });
    try {
      const first = await this.#ask(live);
      signal?.throwIfAborted();
      return new ThreadConstraint(first, (tokenId) => this.#accept(live, tokenId), close);
    } finally {
      signal?.removeEventListener('abort', close);
    }
  }

  close(): void {
    void this.#worker?.terminate();
    clearTimeout(this.#timer);
    const error = new EngineError('draining', 'The engine was closed.');
    for (const { waiting } of this.#live.values()) waiting?.reject(error);
    this.#live.clear();
    this.#opens = [];
  }

  #accept(live: Live, tokenId: number): Promise<Uint32Array | null> {
    live.tokenIds.push(tokenId);
    return this.#ask(live, tokenId);
  }

  /** The mask behind the output so far. @param tokenId its last token, where the matcher has seen the others */
  #ask(live: Live, tokenId: number | null = null): Promise<Uint32Array | null> {
    return new Promise((resolve, reject) => {
      live.waiting = { resolve, reject };
      if (live.isOpen && tokenId !== null) this.#post(live, { type: 'accept', id: live.id, tokenId });
      else {
        this.#opens.push(live);
        this.#openNext();
      }
    });
  }

  #openNext(): void {
    if (this.#opening !== null) return;
    const live = this.#opens.shift();
    if (live === undefined) return;
    this.#opening = live;
    const { id, spec, tokenIds } = live;
    this.#post(live, { type: 'open', id, spec, tokenIds: [...tokenIds] });
  }

  #close(live: Live): void {
    if (!this.#live.delete(live.id)) return;
    live.waiting?.resolve(null); // its last step may still wait
    this.#opens = this.#opens.filter((other) => other !== live);
    if (live.isOpen || live === this.#opening) {
      this.#worker?.postMessage({ type: 'close', id: live.id } satisfies GrammarCommand);
    }
  }

  #post(live: Live, command: GrammarCommand): void {
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#posted.push(live);
    if (this.#posted.length === 1) this.#watch();
    this.#worker.postMessage(command);
  }

  /** From here on the thread, once it is ready, has so long for the first of its commands. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#isReady && this.#posted.length > 0)
      this.#timer = setTimeout(() => this.#lose(this.#worker, null), this.#seconds * 1000);
  }

  #start(): Worker {
    this.#isReady = false;
    const worker = new Worker(workerFile, { workerData: this.#data });
    worker.on('message', (message: GrammarMessage) => {
      if (worker === this.#worker) this.#receive(message);
    });
    worker.on('error', (cause) => this.#lose(worker, cause));
    worker.on('exit', () => this.#lose(worker, null));
    return worker;
  }

  #receive(message: GrammarMessage): void {
    if (message.type === 'ready') {
      this.#isReady = true;
      return this.#watch();
    }
    const live = this.#posted.shift();
    this.#watch();
    if (this.#posted.length === 0) this.#worker?.unref(); // an idle thread keeps no process alive
    if (live !== undefined) {
      // One that could not be opened is nobody's.
      if (live === this.#opening && message.type === 'failed') this.#live.delete(live.id);
      if (live === this.#opening) this.#opening = null;
      live.isOpen = message.type === 'mask';
      const { waiting } = live;
      live.waiting = null;
      if (message.type === 'failed') waiting?.reject(fromErrorMessage(message.error));
      else waiting?.resolve(message.mask);
    }
    this.#openNext();
  }

  /** The thread is gone, or has to go, with every matcher. */
  #lose(worker: Worker | null, cause: unknown): void {
    if (worker === null || worker !== this.#worker) return;
    this.#worker = null;
    void worker.terminate();
    const [culprit, ...others] = this.#posted;
    const wasOpening = culprit !== undefined && culprit === this.#opening;
    this.#posted = [];
    this.#opening = null;
    clearTimeout(this.#timer);
    for (const live of this.#live.values()) live.isOpen = false;
    const isWaiting = (live: Live): boolean => this.#live.has(live.id) && live.waiting !== null;
    this.#opens = [...new Set([...others, ...this.#opens])].filter((live) => live !== culprit && isWaiting(live));
    if (culprit !== undefined) {
      this.#live.delete(culprit.id);
      culprit.waiting?.reject(wasOpening ? this.#unusable(culprit.spec, cause) : died(cause));
    }
    this.#openNext();
  }

  #unusable({ param, kind }: ConstraintSpec, cause: unknown): EngineError {
    const why = cause === null ? `it takes more than ${this.#seconds} s to compile` : 'the compiler gave up on it';
    return new EngineError('invalid_value', `${param ?? kind}: the grammar is unusable: ${why}.`, { param, cause });
  }
}

const died = (cause: unknown): EngineError =>
  new EngineError('internal_error', 'The grammar thread died at a token of this request.', { cause });

class ThreadConstraint implements Constraint {
  error: EngineError | null = null;
  readonly #close: () => void;
  readonly #ask: (tokenId: number) => Promise<Uint32Array | null>;
  #mask: Promise<Uint32Array | null>;
  #isClosed = false;

  constructor(first: Uint32Array | null, ask: (tokenId: number) => Promise<Uint32Array | null>, close: () => void) {
    this.#mask = Promise.resolve(first);
    this.#ask = ask;
    this.#close = close;
  }

  mask(): Promise<Uint32Array | null> {
    return this.#mask;
  }

  accept(tokenId: number): void {
    if (this.#isClosed) return;
    this.#mask = this.#ask(tokenId).catch((error: unknown) => {
      this.error = toEngineError(error);
      return null;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#close();
  }
}
