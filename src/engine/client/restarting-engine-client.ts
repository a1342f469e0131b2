/**
 * The caller's end of an engine. It keeps each request's prompt and the tokens that arrived, so that when the engine dies
 * (device lost, crash) a new one is started and every request goes on where it was: its context is prefilled again, and
 * since draws depend on seed and position only, the rest comes out as it would have.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { defaultEngineConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import type { EngineTransport, StartEngine } from './engine-transport.ts';
import { ClientAdapters } from './client-adapters.ts';
import { fromErrorMessage, type EngineCommand, type EngineEvent, type EngineMessage, type Fault } from './messages.ts';
import { callersId, OpenRequest } from '../core/open-request.ts';
import type { EngineRequestInit } from '../core/engine-request.ts';
import { RestartBudget } from '../core/restart-budget.ts';
import { StatsCalls } from '../core/stats-calls.ts';
import {
  defaultSamplingParams,
  type AdapterInfo,
  type EngineClient,
  type EngineInfo,
  type EngineStats,
  type GenerateOptions,
  type PooledOutput,
  type Pooling,
  type RequestOutput,
  type SamplingParams,
} from '../core/types.ts';
import { Watchdog } from '../core/watchdog.ts';

/** Published in the client's thread: a StepReport per step, a RequestReport per ended request (messages.ts). */
const stepChannel = channel('dawnlight:step');
const requestChannel = channel('dawnlight:request');

/** Bytes of weights on the device so far, and in all. */
export type Progress = (done: number, total: number) => void;

interface EngineClientOptions {
  readonly onProgress?: Progress | undefined;
  /** Seconds without a step, with requests open, after which the engine counts as hung; Infinity: never. */
  readonly stepTimeout?: number | undefined;
  /** Loaded before the client is given out. */
  readonly adapters?: readonly { readonly name: string; readonly path: string }[];
}

interface Loading {
  readonly resolve: (client: RestartingEngineClient) => void;
  readonly reject: (error: EngineError) => void;
}

export class RestartingEngineClient implements EngineClient {
  readonly #start: StartEngine;
  readonly #onProgress: Progress;
  readonly #watchdog: Watchdog;
  readonly #restarts: RestartBudget;
  /** By what engines call them. */
  readonly #requests = new Map<string, OpenRequest>();
  /** Requests so far. */
  #serial = 0;
  readonly #adapters = new ClientAdapters();
  readonly #statsCalls = new StatsCalls();
  #engine: EngineTransport | null = null;
  /** Messages of engines before the current one are ignored. */
  #generation = 0;
  #state: 'loading' | 'ok' | 'dead' = 'loading';
  #info: EngineInfo | null = null;
  #error: EngineError | null = null;
  #loaded: Loading | null = null;
  #closing: Promise<void> | null = null;
  #closed: (() => void) | null = null;

  private constructor(
    start: StartEngine,
    { onProgress, stepTimeout = defaultEngineConfig.stepTimeout }: EngineClientOptions,
  ) {
    this.#start = start;
    this.#onProgress = onProgress ?? (() => {});
    this.#restarts = new RestartBudget(stepTimeout * 1000);
    this.#watchdog = new Watchdog(stepTimeout * 1000, () => this.#abandon(stepTimeout));
  }

  /** Fulfilled when the model is loaded; rejected with the reason (model_not_readable, no_adapter …) when it cannot be. */
  static async start(start: StartEngine, options: EngineClientOptions = {}): Promise<RestartingEngineClient> {
    const client = new RestartingEngineClient(start, options);
    await new Promise((resolve, reject) => {
      client.#loaded = { resolve, reject };
      client.#startEngine();
    });
    try {
      for (const { name, path } of options.adapters ?? []) await client.loadAdapter(name, path);
    } catch (error) {
      await client.close();
      throw error;
    }
    return client;
  }

  get info(): EngineInfo {
    return this.#info!;
  }

  generate(
    promptIds: readonly number[],
    params: SamplingParams,
    options: GenerateOptions = {},
  ): AsyncGenerator<RequestOutput, void, undefined> {
    return this.#outputs(promptIds, { params }, options);
  }

  async *#outputs(
    promptIds: readonly number[],
    task: Pick<EngineRequestInit, 'params' | 'pooling'>,
    options: GenerateOptions,
  ): AsyncGenerator<RequestOutput, void, undefined> {
    const { signal } = options;
    const request = this.#openRequest(promptIds, task, options);
    const abort = (): void => this.#abort(request);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for (;;) {
        const output = await request.queue.next();
        yield output;
        if (output.finishReason !== null) return;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      // Still open: the caller closed the iterator.
      if (this.#requests.has(request.init.id)) abort();
      this.#requests.delete(request.init.id);
      if (request.init.adapter !== undefined) this.#adapters.release(request.init.adapter);
    }
  }

  async pool(promptIds: readonly number[], pooling: Pooling, options: GenerateOptions = {}): Promise<PooledOutput> {
    for await (const output of this.#outputs(promptIds, { params: defaultSamplingParams, pooling }, options)) {
      if (output.pooled) return { pooled: output.pooled, usage: output.usage };
    }
    throw new EngineError('aborted', 'The request was aborted.');
  }

  stats(): Promise<EngineStats> {
    return this.#ask('stats');
  }

  flushCache(): Promise<EngineStats> {
    return this.#ask('flush');
  }

  async #ask(type: 'stats' | 'flush'): Promise<EngineStats> {
    if (this.#state !== 'ok') throw this.#error ?? new EngineError('engine_dead', 'The engine is loading.');
    const engine = this.#engine!;
    return this.#statsCalls.ask((callId) => engine.post({ type, callId }));
  }

  adapters(): readonly AdapterInfo[] {
    return this.#adapters.list();
  }

  async loadAdapter(name: string, path: string): Promise<AdapterInfo> {
    if (this.#state === 'dead') throw this.#error!;
    if (!this.#info?.adapterRoom) {
      throw new EngineError('invalid_request', 'The engine was started without room for adapters (--enable_lora).');
    }
    return this.#adapters.load(name, path, this.#poster());
  }

  async unloadAdapter(name: string): Promise<void> {
    if (this.#state === 'dead') throw this.#error!;
    this.#adapters.unload(name, this.#poster());
  }

  #poster(): ((command: EngineCommand) => void) | null {
    return this.#state === 'ok' ? (command) => this.#engine!.post(command) : null;
  }

  health(): 'ok' | 'loading' | 'draining' | 'dead' {
    return this.#closing && this.#state !== 'dead' ? 'draining' : this.#state;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#state === 'dead') return resolve();
      this.#closed = resolve;
      if (this.#state === 'ok') this.#engine!.post({ type: 'close' });
    });
    return this.#closing;
  }

  /** For tests of recovery; has an effect only if the engine was started with `faultInjection`. */
  injectFault(fault: Fault): void {
    this.#engine?.post({ type: 'fault', fault });
  }

  #openRequest(
    promptIds: readonly number[],
    task: Pick<EngineRequestInit, 'params' | 'pooling'>,
    options: GenerateOptions,
  ): OpenRequest {
    if (this.#state === 'dead') throw this.#error!;
    if (this.#closing) throw new EngineError('draining', 'The server is shutting down and takes no new requests.');
    const id = options.requestId ?? randomUUID();
    if ([...this.#requests.values()].some(({ requestId }) => requestId === id))
      throw new EngineError('invalid_value', `Request id ${id} is in use.`, { param: 'request_id' });
    const seed = task.params.seed ?? randomInt(2 ** 48 - 1);
    const adapter = options.adapter === undefined ? {} : { adapter: this.#adapters.use(options.adapter) };
    const init = { id, promptIds, ...task, ...adapter, seed, deadline: options.deadline };
    const request = new OpenRequest(init, ++this.#serial, options.maxUnread, options.onAccepted);
    this.#requests.set(request.init.id, request);
    if (this.#state === 'ok') {
      this.#engine!.post({ type: 'add', request: request.init });
      this.#watchdog.begin();
    }
    return request;
  }

  #abort(request: OpenRequest): void {
    if (this.#state === 'ok') {
      request.isAborted = true;
      return this.#engine!.post({ type: 'abort', requestId: request.init.id });
    }
    this.#requests.delete(request.init.id);
    request.endHere('abort');
  }

  #startEngine(): void {
    const generation = ++this.#generation;
    this.#engine = this.#start((message) => {
      if (generation === this.#generation) this.#handle(message);
    });
  }

  #handle(message: EngineMessage): void {
    switch (message.type) {
      case 'progress':
        return this.#onProgress(message.done, message.total);
      case 'ready':
        return this.#becomeReady(message.info);
      case 'events':
        for (const event of message.events) this.#handleEvent(event);
        if (message.step) stepChannel.publish(message.step);
        return this.#heard(message.step !== null || message.events.length === 0);
      case 'stats':
        return this.#statsCalls.answer(message.callId, message.stats);
      case 'adapter':
        return this.#adapters.handle(message);
      case 'closed':
        return this.#die(new EngineError('engine_dead', 'The engine was closed.'));
      case 'dead':
        return this.#recover('crash', fromErrorMessage(message.error));
      default:
        message satisfies never;
    }
  }

  /** @param isSign of life: a step has ended, or nothing is to be said while grammars are compiled. Other news only say that its thread lives. */
  #heard(isSign: boolean): void {
    if (this.#requests.size === 0) return this.#watchdog.rest();
    if (isSign) this.#watchdog.watch();
    else this.#watchdog.begin();
  }

  #handleEvent(event: EngineEvent): void {
    const id = event.type === 'output' ? event.output.requestId : event.requestId;
    const request = this.#requests.get(id);
    if (event.type === 'accepted') return request?.accept();
    if (event.type === 'refused') {
      request?.queue.fail(fromErrorMessage(event.error));
      this.#requests.delete(id);
      return;
    }
    const { output, error, report } = event;
    if (report) requestChannel.publish({ ...report, requestId: callersId(report.requestId) });
    const isRead = request?.receive(error ? { ...output, finishReason: null } : output) ?? true;
    if (request && !isRead) this.#abort(request);
    if (isRead && error) request?.queue.fail(fromErrorMessage(error));
    if (!isRead || output.finishReason !== null) this.#requests.delete(id);
  }

  #becomeReady(info: EngineInfo): void {
    this.#info = info;
    this.#state = 'ok';
    const { before, behind } = this.#adapters.restore();
    for (const command of before) this.#engine!.post(command);
    for (const request of this.#requests.values()) this.#engine!.post({ type: 'add', request: request.resumed() });
    for (const command of behind) this.#engine!.post(command);
    if (this.#requests.size > 0) this.#watchdog.watch();
    if (this.#closing) this.#engine!.post({ type: 'close' });
    this.#loaded?.resolve(this);
    this.#loaded = null;
  }

  /**
   * The engine hangs. Its thread cannot be ended from outside (engine-transport.ts), so it is left alone, with its device
   * and memory, until it comes back to life and ends itself.
   */
  #abandon(seconds: number): void {
    this.#engine!.abandon();
    const message = `It gave no sign of life for ${seconds} s with requests open (--step_timeout).`;
    this.#engine = null;
    this.#recover('hang', new EngineError('engine_dead', message));
  }

  /** The engine died: start another, unless this one never came up or dying has become a habit. */
  #recover(why: 'crash' | 'hang', error: EngineError): void {
    this.#watchdog.rest();
    if (this.#loaded || !this.#restarts.take(why)) return this.#die(error);
    this.#state = 'loading';
    this.#statsCalls.fail(error);
    for (const request of this.#requests.values()) if (request.isAborted) this.#abort(request);
    this.#startEngine();
  }

  #die(error: EngineError): void {
    this.#watchdog.rest();
    this.#state = 'dead';
    this.#error = new EngineError('engine_dead', `The engine is not running: ${error.message}`, { cause: error });
    this.#statsCalls.fail(this.#error);
    this.#adapters.fail(this.#error);
    for (const request of this.#requests.values()) request.queue.fail(this.#error);
    this.#requests.clear();
    this.#loaded?.reject(error);
    this.#generation++;
    const gone = this.#engine?.gone() ?? Promise.resolve();
    void gone.then(() => this.#closed?.());
  }
}
