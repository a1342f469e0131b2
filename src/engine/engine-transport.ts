/** The two ways to reach an engine: a worker thread, or the same thread. Both speak messages.ts. */
import { Worker } from 'node:worker_threads';
import type { EngineConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import type { Vocabulary } from './constraint.ts';
import { EngineCore } from './engine-core.ts';
import { EngineLoop } from './engine-loop.ts';
import { GrammarThread } from './grammar/grammar-thread.ts';
import { toErrorMessage, type EngineCommand, type EngineMessage } from './messages.ts';
import type { ModelRunner } from './model-runner.ts';
import type { EngineInfo } from './types.ts';

export interface LoadedEngine {
  readonly info: EngineInfo;
  readonly runner: ModelRunner;
}

/** Loads the model that a configuration names and puts it on the device. */
export type EngineLoader = (
  config: EngineConfig,
  /** Bytes of weights on the device so far, and in all. */
  onProgress: (done: number, total: number) => void,
) => Promise<LoadedEngine>;

/** A started engine. Its first message is 'ready' or 'dead'. */
export interface EngineTransport {
  post(command: EngineCommand): void;
  /** Ends it at once, without a message. */
  kill(): Promise<void>;
}

export type StartEngine = (onMessage: (message: EngineMessage) => void) => EngineTransport;

/** What the worker is given. */
export interface WorkerStart {
  readonly config: EngineConfig;
  /** URL of a module that exports `loadEngine: EngineLoader`: functions cannot be sent to a thread. */
  readonly loader: string;
  readonly faultInjection: boolean;
  /** The tokens' bytes; without them requests with a grammar are refused. */
  readonly vocabulary?: Vocabulary | null;
}

/** Starts engines in worker threads; the caller's event loop stays free while the device works. */
export function inWorker(start: WorkerStart): StartEngine {
  return (onMessage) => {
    const worker = new Worker(new URL(workerFile, import.meta.url), { workerData: start });
    let last: EngineMessage['type'] | null = null;
    const deliver = (message: EngineMessage): void => {
      last = message.type;
      onMessage(message);
    };
    const die = (error: unknown): void => {
      if (last !== 'dead' && last !== 'closed') deliver({ type: 'dead', error: toErrorMessage(error) });
    };
    worker.on('message', deliver);
    worker.on('error', die);
    worker.on('exit', (code) => die(new EngineError('engine_dead', `The engine's thread ended with code ${code}.`)));
    return {
      post: (command) => worker.postMessage(command),
      kill: async () => {
        worker.removeAllListeners();
        await worker.terminate();
      },
    };
  };
}

/** Runs from src (tests, with a TypeScript loader) and from dist alike. */
const workerFile = import.meta.url.endsWith('.ts') ? './engine-worker.ts' : './engine-worker.js';

/** Starts engines in this thread: for examples, benches and tests. */
export function inThisThread(
  load: EngineLoader,
  config: EngineConfig,
  faultInjection = false,
  vocabulary: Vocabulary | null = null,
): StartEngine {
  return (onMessage) => {
    let killed = false;
    const post = (message: EngineMessage): void => {
      if (!killed) onMessage(message);
    };
    const exit = (): never => {
      throw new EngineError('engine_dead', 'The engine is gone (injected fault).');
    };
    const loop = load(config, (done, total) => post({ type: 'progress', done, total })).then(({ info, runner }) => {
      post({ type: 'ready', info });
      const constraints = vocabulary ? new GrammarThread(vocabulary, info.eosTokenIds) : null;
      return new EngineLoop(new EngineCore({ config, info, runner }), post, { faultInjection, exit, constraints });
    });
    loop.then((l) => l.run()).catch((error: unknown) => post({ type: 'dead', error: toErrorMessage(error) }));
    return {
      post: (command) => void loop.then((l) => setImmediate(() => l.handle(command))).catch(() => undefined),
      kill: async () => {
        killed = true;
      },
    };
  };
}
