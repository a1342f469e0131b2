/**
 * The caller's end of an engine. It keeps each request's prompt and the tokens that arrived, so that when the engine dies
 * (device lost, crash) a new one is started and every request goes on where it was: its context is prefilled again, and
 * since draws depend on seed and position only, the rest comes out as it would have.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { EngineError } from '../errors.ts';
import type { EngineTransport, StartEngine } from './engine-transport.ts';
import { fromErrorMessage, type EngineEvent, type EngineMessage, type Fault } from './messages.ts';
import { OpenRequest } from './open-request.ts';
import type { EngineClient, EngineInfo, EngineStats, GenerateOptions, RequestOutput, SamplingParams } from './types.ts';

/** Published in the client's thread: a StepReport per step, a RequestReport per ended request (messages.ts). */
const stepChannel = channel('dawnlight:step');
const requestChannel = channel('dawnlight:request');

/** An engine that dies more often than this within a minute stays dead. */
const maxRestartsPerMinute = 3;

/** Bytes of weights on the device so far, and in all. */
export type Progress = (done: number, total: number) => void;

interface Settled<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: EngineError) => void;
}

export class EngineProxy implements EngineClient {
  readonly #start: StartEngine;
  readonly #onProgress: Progress;
  readonly #requests = new Map<string, OpenRequest>();
  readonly #statsCalls = new Map<number, Settled<EngineStats>>();
  #nextCall = 0;
  #engine: EngineTransport | null = null;
  /** Messages of engines before the current one are ignored. */
  #generation = 0;
  #state: 'loading' | 'ok' | 'dead' = 'loading';
  #info: EngineInfo | null = null;
  #error: EngineError | null = null;
  #restartTimes: number[] = [];
  #loaded: Settled<EngineProxy> | null = null;
  #closing: Promise<void> | null = null;
  #closed: (() => void) | null = null;

  private constructor(start: StartEngine, onProgress: Progress) {
    this.#start = start;
    this.#onProgress = onProgress;
  }

  /** Fulfilled when the model is loaded; rejected with the reason (model_not_readable, no_adapter …) when it cannot be. */
  static start(start: StartEngine, onProgress: Progress = () => {}): Promise<EngineProxy> {
    const proxy = new EngineProxy(start, onProgress);
    return new Promise((resolve, reject) => {
      proxy.#loaded = { resolve, reject };
      proxy.#startEngine();
    });
  }

  get info(): EngineInfo {
    return this.#info!;
  }

  async *generate(
    promptIds: readonly number[],
    params: SamplingParams,
    options: GenerateOptions = {},
  ): AsyncGenerator<RequestOutput, void, undefined> {
    const { signal } = options;
    const request = this.#openRequest(promptIds, params, options);
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
    }
  }

  stats(): Promise<EngineStats> {
    return new Promise((resolve, reject) => {
      if (this.#state !== 'ok') return reject(this.#error ?? new EngineError('engine_dead', 'The engine is loading.'));
      this.#statsCalls.set(++this.#nextCall, { resolve, reject });
      this.#engine!.post({ type: 'stats', callId: this.#nextCall });
    });
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

  #openRequest(promptIds: readonly number[], params: SamplingParams, options: GenerateOptions): OpenRequest {
    if (this.#state === 'dead') throw this.#error!;
    if (this.#closing) throw new EngineError('draining', 'The server is shutting down and takes no new requests.');
    const id = options.requestId ?? randomUUID();
    if (this.#requests.has(id)) throw new EngineError('invalid_value', `Request id ${id} is in use.`);
    const seed = params.seed ?? randomInt(2 ** 48 - 1);
    const request = new OpenRequest({ id, promptIds, params, seed, deadline: options.deadline }, options.maxUnread);
    this.#requests.set(id, request);
    if (this.#state === 'ok') this.#engine!.post({ type: 'add', request: request.init });
    return request;
  }

  #abort(request: OpenRequest): void {
    if (this.#state === 'ok') return this.#engine!.post({ type: 'abort', requestId: request.init.id });
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
        return;
      case 'stats':
        this.#statsCalls.get(message.callId)?.resolve(message.stats);
        this.#statsCalls.delete(message.callId);
        return;
      case 'closed':
        return this.#die(new EngineError('engine_dead', 'The engine was closed.'));
      case 'dead':
        return this.#recover(fromErrorMessage(message.error));
      default:
        message satisfies never;
    }
  }

  #handleEvent(event: EngineEvent): void {
    const id = event.type === 'output' ? event.output.requestId : event.requestId;
    const request = this.#requests.get(id);
    if (event.type === 'refused') {
      request?.queue.fail(fromErrorMessage(event.error));
      this.#requests.delete(id);
      return;
    }
    if (event.report) requestChannel.publish(event.report);
    const isRead = request?.receive(event.output) ?? true;
    if (request && !isRead) this.#abort(request);
    if (!isRead || event.output.finishReason !== null) this.#requests.delete(id);
  }

  #becomeReady(info: EngineInfo): void {
    this.#info = info;
    this.#state = 'ok';
    for (const request of this.#requests.values()) this.#engine!.post({ type: 'add', request: request.resumed() });
    if (this.#closing) this.#engine!.post({ type: 'close' });
    this.#loaded?.resolve(this);
    this.#loaded = null;
  }

  /** The engine died: start another, unless this one never came up or dying has become a habit. */
  #recover(error: EngineError): void {
    const now = performance.now();
    this.#restartTimes = this.#restartTimes.filter((time) => now - time < 60_000);
    if (this.#loaded || this.#restartTimes.length >= maxRestartsPerMinute) return this.#die(error);
    this.#restartTimes.push(now);
    this.#state = 'loading';
    this.#failStatsCalls(error);
    this.#startEngine();
  }

  #die(error: EngineError): void {
    this.#state = 'dead';
    this.#error = new EngineError('engine_dead', `The engine is not running: ${error.message}`, { cause: error });
    this.#failStatsCalls(this.#error);
    for (const request of this.#requests.values()) request.queue.fail(this.#error);
    this.#requests.clear();
    this.#loaded?.reject(error);
    this.#generation++;
    void this.#engine?.gone().then(() => this.#closed?.());
  }

  #failStatsCalls(error: EngineError): void {
    for (const call of this.#statsCalls.values()) call.reject(error);
    this.#statsCalls.clear();
  }
}
