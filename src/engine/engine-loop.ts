/**
 * Drives an engine core: takes commands as they come, steps while there is work, sleeps while there is none. One message
 * per step goes out, with everything that the step had to say.
 */
import type { EngineCore } from './engine-core.ts';
import { toErrorMessage, type EngineCommand, type EngineMessage, type Fault } from './messages.ts';

export interface EngineLoopOptions {
  /** Lets `fault` commands through (tests). */
  readonly faultInjection: boolean;
  /** How this engine dies without a word, for the 'exit' fault. */
  readonly exit: () => void;
}

export class EngineLoop {
  readonly #core: EngineCore;
  readonly #post: (message: EngineMessage) => void;
  readonly #options: EngineLoopOptions;
  #closing = false;
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
        this.#add(command);
        break;
      case 'abort':
        this.#core.abort(command.requestId);
        break;
      case 'stats':
        this.#post({ type: 'stats', callId: command.callId, stats: this.#core.stats() });
        break;
      case 'close':
        this.#closing = true;
        break;
      case 'fault':
        if (this.#options.faultInjection) this.#fault = command.fault;
        break;
      default:
        command satisfies never;
    }
    this.#wake?.();
  }

  /** Runs until `close` was commanded and nothing is left to do; posts 'closed', or 'dead' with the reason. */
  async run(): Promise<void> {
    try {
      while (!this.#closing || this.#core.hasWork()) await this.#turn();
      this.#core.close();
      this.#post({ type: 'closed' });
    } catch (error) {
      this.#post({ type: 'dead', error: toErrorMessage(error) });
    }
  }

  async #turn(): Promise<void> {
    if (this.#fault === 'exit') this.#options.exit();
    if (this.#fault === 'throw') throw new Error('injected fault');
    if (!this.#core.hasWork()) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
      return;
    }
    const { events, report } = await this.#core.step();
    this.#post({ type: 'events', events, step: report });
    // Lets commands in, even when the device answers within the same turn of the event loop.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #add(command: EngineCommand & { type: 'add' }): void {
    try {
      this.#core.add(command.request);
    } catch (error) {
      const refused = { type: 'refused', requestId: command.request.id, error: toErrorMessage(error) } as const;
      this.#post({ type: 'events', events: [refused], step: null });
    }
  }
}
