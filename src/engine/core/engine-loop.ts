/**
 * Drives an engine core: takes commands as they come, steps while there is work, sleeps while there is none. One message
 * per step goes out, with everything that the step had to say.
 */
import { EngineError } from '../../errors.ts';
import type { Constraint, Constraints, ConstraintSpec } from '../grammar/constraint.ts';
import type { LoadedAdapter } from '../adapters/adapter-table.ts';
import type { EngineCore } from './engine-core.ts';
import {
  toErrorMessage,
  type EngineCommand,
  type EngineEvent,
  type EngineMessage,
  type ErrorMessage,
  type Fault,
} from '../client/messages.ts';
import type { EngineRequestInit } from './engine-request.ts';

interface EngineLoopOptions {
  /** Lets `fault` commands through (tests). */
  readonly faultInjection: boolean;
  /** How this engine dies without a word, for the 'exit' fault. */
  readonly exit: () => void;
  /** null: requests with a grammar are refused. */
  readonly constraints?: Constraints | null;
}

/** Milliseconds. */
const heartbeat = 1000;

export class EngineLoop {
  readonly #core: EngineCore;
  readonly #post: (message: EngineMessage) => void;
  readonly #options: EngineLoopOptions;
  /** Requests whose grammar is being compiled, or whose adapter is being read. */
  readonly #opening = new Map<string, AbortController>();
  /** Adapters that are being read, by id. */
  readonly #reading = new Map<number, Promise<void>>();
  #closing = false;
  #quitting = false;
  #quit: (() => void) | null = null;
  #fault: Fault | null = null;
  #wake: (() => void) | null = null;

  constructor(core: EngineCore, post: (message: EngineMessage) => void, options: EngineLoopOptions) {
    this.#core = core;
    this.#post = post;
    this.#options = options;
  }

  handle(command: EngineCommand): void {
    switch (command.type) {
      case 'add':
        void this.#add(command.request);
        break;
      case 'abort':
        this.#opening.get(command.requestId)?.abort();
        this.#opening.delete(command.requestId);
        this.#core.abort(command.requestId);
        break;
      case 'load adapter':
        this.#read(command.id, command.path);
        break;
      case 'unload adapter':
        void this.#unload(command.id);
        break;
      case 'flush':
        this.#core.flushCache();
        this.#post({ type: 'stats', callId: command.callId, stats: this.#core.stats() });
        break;
      case 'stats':
        this.#post({ type: 'stats', callId: command.callId, stats: this.#core.stats() });
        break;
      case 'close':
        this.#closing = true;
        break;
      case 'quit':
        this.#quitting = true;
        this.#quit?.();
        break;
      case 'fault':
        if (this.#options.faultInjection) this.#fault = command.fault;
        break;
      default:
        command satisfies never;
    }
    this.#wake?.();
  }

  /**
   * Runs until `close` was commanded and nothing is left to do, or until `quit`, even when a step does not end. Frees
   * everything, then posts 'closed', or 'dead' and why.
   */
  async run(): Promise<void> {
    let last: EngineMessage = { type: 'closed' };
    try {
      await Promise.race([this.#turns(), new Promise<void>((resolve) => (this.#quit = resolve))]);
    } catch (error) {
      last = { type: 'dead', error: toErrorMessage(error) };
    }
    try {
      this.#options.constraints?.close();
      await this.#core.close();
    } catch (error) {
      // A device that is lost may not close cleanly; what lost it is the better reason.
      if (last.type === 'closed') last = { type: 'dead', error: toErrorMessage(error) };
    }
    this.#post(last);
  }

  /** While grammars are compiled and there is nothing to step, it says that it is alive. */
  async #turns(): Promise<void> {
    const beat = setInterval(() => {
      if (this.#opening.size > 0 && !this.#core.hasWork()) this.#post({ type: 'events', events: [], step: null });
    }, heartbeat);
    beat.unref();
    try {
      while (!this.#quitting && (!this.#closing || this.#core.hasWork() || this.#opening.size > 0)) {
        if (this.#fault !== null) await this.#fail(this.#fault);
        await (this.#core.hasWork() ? this.#step() : this.#sleep());
      }
    } finally {
      clearInterval(beat);
    }
  }

  async #step(): Promise<void> {
    const { events, report } = await this.#core.step();
    if (this.#quitting) return;
    this.#post({ type: 'events', events, step: report });
    // Lets commands in, even when the device answers within the same turn of the event loop.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Until a command comes. */
  async #sleep(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
  }

  #fail(fault: Fault): Promise<void> {
    this.#fault = null;
    switch (fault) {
      case 'throw':
        throw new Error('injected fault');
      case 'exit':
        this.#options.exit();
        break;
      case 'hang':
        return new Promise(() => {});
      case 'freeze':
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
        break;
      case 'device_lost':
      case 'out_of_memory':
      case 'nan_logits':
        this.#core.injectFault(fault);
        break;
      default:
        fault satisfies never;
    }
    return Promise.resolve();
  }

  #read(id: number, path: string): void {
    const reading = this.#loadAdapter(id, path);
    this.#reading.set(id, reading);
    // In front of what waits for it, so that whatever comes later comes behind that.
    void reading.then(() => this.#reading.delete(id));
  }

  /** Behind the requests that came before it, which may wait for the adapter to be read. */
  async #unload(id: number): Promise<void> {
    const reading = this.#reading.get(id);
    if (reading) await reading;
    this.#core.unloadAdapter(id);
  }

  async #loadAdapter(id: number, path: string): Promise<void> {
    let answer: { readonly rank: number | null; readonly error: ErrorMessage | null };
    try {
      answer = { rank: (await this.#core.loadAdapter(id, path)).rank, error: null };
    } catch (error) {
      answer = { rank: null, error: toErrorMessage(error) };
    }
    this.#post({ type: 'adapter', id, ...answer });
  }

  /** Without a grammar the request is in before this returns, else when its grammar is ready; others go on meanwhile. */
  async #add(request: EngineRequestInit): Promise<void> {
    let constraint: Constraint | null = null;
    let adapter: LoadedAdapter | null = null;
    const opening = new AbortController();
    try {
      const spec = request.params.constraint;
      this.#core.checkQueue(request, this.#opening.size);
      const reading = request.adapter === undefined ? undefined : this.#reading.get(request.adapter);
      if (reading || spec !== null) this.#opening.set(request.id, opening);
      if (reading) await reading;
      opening.signal.throwIfAborted();
      adapter = this.#core.useAdapter(request);
      if (spec !== null) {
        constraint = await this.#open(spec, request.outputIds ?? [], opening.signal);
        // The abort may have crossed it.
        opening.signal.throwIfAborted();
      }
      this.#core.add(request, constraint, adapter);
      this.#post({ type: 'events', events: [{ type: 'accepted', requestId: request.id }], step: null });
    } catch (error) {
      constraint?.close();
      if (adapter) this.#core.releaseAdapter(adapter);
      const event = opening.signal.aborted
        ? abortedOutput(request)
        : ({ type: 'refused', requestId: request.id, error: toErrorMessage(error) } as const);
      this.#post({ type: 'events', events: [event], step: null });
    }
    this.#opening.delete(request.id);
    this.#wake?.();
  }

  #open(spec: ConstraintSpec, outputIds: readonly number[], signal: AbortSignal): Promise<Constraint> {
    const { constraints } = this.#options;
    if (constraints) return constraints.open(spec, outputIds, signal);
    const message = `${spec.param ?? 'constraint'}: this engine was started without a vocabulary and knows no grammars.`;
    throw new EngineError('invalid_value', message, { param: spec.param });
  }
}

/** The end of a request that was given up before its grammar was ready. */
function abortedOutput({ id, promptIds, outputIds = [] }: EngineRequestInit): EngineEvent {
  const usage = { promptTokens: promptIds.length, completionTokens: outputIds.length, cachedTokens: 0 };
  const nothing = { tokenIds: [], logprobs: null, promptLogprobs: null, pooled: null, stopTokenId: null };
  return {
    type: 'output',
    output: { requestId: id, ...nothing, finishReason: 'abort', usage },
    error: null,
    report: null,
  };
}
