/** The two ways to reach an engine: a worker thread, or the same thread. Both speak messages.ts. */
import { Worker } from 'node:worker_threads';
import type { EngineConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import { moduleUrl } from '../../module-url.ts';
import type { Vocabulary } from '../grammar/constraint.ts';
import { EngineCore } from '../core/engine-core.ts';
import { EngineLoop } from '../core/engine-loop.ts';
import { GrammarThreads } from '../grammar/grammar-threads.ts';
import { toErrorMessage, type EngineCommand, type EngineMessage } from './messages.ts';
import type { ModelRunner } from '../running/model-runner.ts';
import type { AdmissionPolicy } from '../scheduling/policies/policy.ts';
import type { EngineInfo } from '../core/types.ts';

export interface LoadedEngine {
  readonly info: EngineInfo;
  readonly runner: ModelRunner;
}

/** Loads the model that a configuration names and puts it on the device. */
export type EngineLoader = (
  config: EngineConfig,
  /** Bytes of weights on the device so far, and in all. */
  onProgress: (done: number, total: number) => void,
  options?: LoadOptions,
) => Promise<LoadedEngine>;

export interface LoadOptions {
  /** Ids that end a turn by what the tokenizer knows, besides those of the checkpoint's generation settings. */
  readonly endTokenIds?: readonly number[] | Promise<readonly number[]>;
}

/** What an engine has from the model's tokenizer. */
export interface TokenFacts {
  readonly endTokenIds: readonly number[];
  /** The tokens' bytes; null: requests with a grammar are refused. */
  readonly vocabulary: Vocabulary | null;
}

/** A started engine. Its first message is 'progress', 'ready' or 'dead', its last 'closed' or 'dead'. */
export interface EngineTransport {
  post(command: EngineCommand): void;
  /** Fulfilled, after the last message, when nothing of it is left. */
  gone(): Promise<void>;
  /** For one that hangs: it is not waited for, and ends by itself if it ever comes back to life. */
  abandon(): void;
}

export type StartEngine = (onMessage: (message: EngineMessage) => void) => EngineTransport;

/** What the worker is given. */
export interface WorkerData {
  readonly config: EngineConfig;
  /** URL of a module that exports `loadEngine: EngineLoader`: functions cannot be sent to a thread. */
  readonly loader: string;
  readonly faultInjection: boolean;
}

/** The first message to the worker; null: there will be none, nobody waits for the engine any more. */
export type FirstMessage = TokenFacts | null;

export interface WorkerStart extends WorkerData {
  /** May come while the model is loaded. When it fails, so does the engine, with the same error. None: nothing is known. */
  readonly tokens?: TokenFacts | Promise<TokenFacts>;
}

const noTokens: TokenFacts = { endTokenIds: [], vocabulary: null };

/** Starts engines in worker threads; the caller's event loop stays free while the device works. */
export function inWorker({ tokens = noTokens, ...workerData }: WorkerStart): StartEngine {
  return (onMessage) => {
    // Descriptors are not tracked: gpu/dawn-notes.ts closes one that the process opened, which Node would warn of.
    const worker = new Worker(workerFile, { workerData, trackUnmanagedFds: false });
    const first = (message: FirstMessage): void => worker.postMessage(message);
    let over = false;
    const deliver = (message: EngineMessage): void => {
      if (over) return;
      over = message.type === 'dead' || message.type === 'closed';
      onMessage(message);
    };
    const die = (error: unknown): void => deliver({ type: 'dead', error: toErrorMessage(error) });
    worker.on('message', deliver);
    worker.on('error', die);
    Promise.resolve(tokens).then(first, (error: unknown) => {
      die(error);
      first(null);
    });
    const exited = new Promise<void>((resolve) => worker.on('exit', () => resolve()));
    void exited.then(() => die(new EngineError('engine_dead', 'The engine’s thread is gone.')));
    return {
      post: (command) => worker.postMessage(command),
      // Not terminated: Dawn aborts the process when a thread goes away with work pending. It ends by itself.
      gone: () => exited,
      abandon: () => {
        worker.postMessage({ type: 'quit' } satisfies EngineCommand);
        worker.unref();
      },
    };
  };
}

const workerFile = moduleUrl('./engine-worker.ts', import.meta.url);

/** Engine parts that are code, and so cannot be sent to a worker. */
interface InThisThreadOptions {
  /** Instead of the policy that the configuration names. */
  readonly policy?: AdmissionPolicy;
  readonly faultInjection?: boolean;
  readonly vocabulary?: Vocabulary | null;
}

/** Starts engines in this thread: for examples, benches and tests. */
export function inThisThread(
  load: EngineLoader,
  config: EngineConfig,
  { policy, faultInjection = false, vocabulary = null }: InThisThreadOptions = {},
): StartEngine {
  return (onMessage) => {
    const exit = (): never => {
      throw new EngineError('engine_dead', 'The engine is gone (injected fault).');
    };
    const start = async (): Promise<EngineLoop> => {
      const { info, runner } = await load(config, (done, total) => onMessage({ type: 'progress', done, total }));
      const core = new EngineCore({ config, info, runner, ...(policy && { policy }) });
      const constraints = vocabulary ? new GrammarThreads(vocabulary, info.eosTokenIds) : null;
      onMessage({ type: 'ready', info });
      return new EngineLoop(core, onMessage, { faultInjection, exit, constraints });
    };
    const loop = start();
    const ended = loop
      .then((l) => l.run())
      .catch((error: unknown) => onMessage({ type: 'dead', error: toErrorMessage(error) }));
    const post = (command: EngineCommand): void =>
      void loop.then((l) => setImmediate(() => l.handle(command))).catch(() => undefined);
    return { post, gone: () => ended, abandon: () => post({ type: 'quit' }) };
  };
}
