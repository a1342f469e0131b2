/** The engine's end of its grammar thread, which is started with the first constraint. */
import { Worker } from 'node:worker_threads';
import { EngineError, toEngineError } from '../../errors.ts';
import { moduleUrl } from '../../module-url.ts';
import type { Constraint, Constraints, ConstraintSpec, Vocabulary } from './constraint.ts';
import { fromErrorMessage } from '../client/messages.ts';
import type { GrammarCommand, GrammarMessage, GrammarWorkerData } from './grammar-messages.ts';

const workerFile = moduleUrl('./grammar-worker.ts', import.meta.url);

interface Waiting {
  readonly resolve: (mask: Uint32Array | null) => void;
  readonly reject: (error: EngineError) => void;
}

export class GrammarThread implements Constraints {
  readonly #data: GrammarWorkerData;
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;

  /** @param stopTokenIds tokens that end the output, allowed where a grammar is complete */
  constructor(vocabulary: Vocabulary, stopTokenIds: readonly number[]) {
    this.#data = { vocabulary, stopTokenIds };
  }

  async open(spec: ConstraintSpec, tokenIds: readonly number[]): Promise<Constraint> {
    const id = this.#nextId++;
    const first = await this.#ask({ type: 'open', id, spec, tokenIds });
    const close = () => {
      this.#waiting.get(id)?.resolve(null); // its last step may still wait
      this.#waiting.delete(id);
      this.#worker?.postMessage({ type: 'close', id } satisfies GrammarCommand);
    };
    return new ThreadConstraint(first, (tokenId) => this.#ask({ type: 'accept', id, tokenId }), close);
  }

  close(): void {
    void this.#worker?.terminate();
    this.#fail(new EngineError('draining', 'The engine was closed.'));
  }

  #ask(command: GrammarCommand): Promise<Uint32Array | null> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(command.id, { resolve, reject });
      this.#worker ??= this.#start();
      this.#worker.ref();
      this.#worker.postMessage(command);
    });
  }

  #start(): Worker {
    const worker = new Worker(workerFile, { workerData: this.#data });
    worker.on('message', (message: GrammarMessage) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (this.#waiting.size === 0) worker.unref(); // an idle thread keeps no process alive
      if (message.type === 'failed') waiting?.reject(fromErrorMessage(message.error));
      else waiting?.resolve(message.mask);
    });
    worker.on('error', (cause) => this.#lose(cause));
    worker.on('exit', () => this.#lose(null));
    return worker;
  }

  /** The thread is gone with every matcher; the next constraint starts another. */
  #lose(cause: unknown): void {
    this.#worker = null;
    this.#fail(new EngineError('internal_error', 'The grammar thread died.', { cause }));
  }

  #fail(error: EngineError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

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
