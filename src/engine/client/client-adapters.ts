/** The caller's list of an engine's adapters: what they are called, and enough to give them to another engine. */
import { EngineError } from '../../errors.ts';
import type { AdapterInfo } from '../core/types.ts';
import { fromErrorMessage, type EngineCommand, type EngineMessage } from './messages.ts';

interface Entry {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  /** Requests that are open. */
  requests: number;
  /** Null until it is loaded. */
  rank: number | null;
  isUnloaded: boolean;
  /** Who waits for it to be loaded. */
  call: { readonly resolve: (info: AdapterInfo) => void; readonly reject: (error: EngineError) => void } | null;
}

export class ClientAdapters {
  /** By id; those that were unloaded until their last request has ended. */
  readonly #entries = new Map<number, Entry>();
  #nextId = 0;

  /** Those that requests may name, in the order in which they were loaded. */
  list(): AdapterInfo[] {
    return [...this.#entries.values()].flatMap((entry) => (entry.isUnloaded ? [] : (infoOf(entry) ?? [])));
  }

  /** @param post null while there is no engine: the next one is told. @throws EngineError invalid_value */
  load(name: string, path: string, post: ((command: EngineCommand) => void) | null): Promise<AdapterInfo> {
    if (this.#find(name)) {
      const message = `The lora adapter '${name}' has already been loaded.`;
      return Promise.reject(new EngineError('invalid_value', message, { param: 'lora_name' }));
    }
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const call = { resolve, reject };
      this.#entries.set(id, { id, name, path, requests: 0, rank: null, isUnloaded: false, call });
      post?.({ type: 'load adapter', id, path });
    });
  }

  /** Its requests end as they would. @throws EngineError not_found */
  unload(name: string, post: ((command: EngineCommand) => void) | null): void {
    const entry = this.#find(name);
    if (entry?.rank == null)
      throw new EngineError('not_found', `The lora adapter '${name}' cannot be found.`, { param: 'lora_name' });
    entry.isUnloaded = true;
    post?.({ type: 'unload adapter', id: entry.id });
    this.#removeUnused(entry);
  }

  /** The id that a new request names; `release` takes it back. @throws EngineError model_not_found */
  use(name: string): number {
    const entry = this.#find(name);
    if (entry?.rank == null)
      throw new EngineError('model_not_found', `The adapter ${JSON.stringify(name)} is not loaded.`, {
        param: 'model',
      });
    entry.requests++;
    return entry.id;
  }

  release(id: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.requests--;
    this.#removeUnused(entry);
  }

  /** What an engine says of one that it was told to load. */
  handle({ id, rank, error }: EngineMessage & { readonly type: 'adapter' }): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    const { call } = entry;
    entry.call = null;
    if (error) {
      this.#entries.delete(id);
      return call?.reject(fromErrorMessage(error));
    }
    entry.rank = rank;
    call?.resolve(infoOf(entry)!);
  }

  /** What a new engine is told in front of the requests, and behind them. */
  restore(): { readonly before: EngineCommand[]; readonly behind: EngineCommand[] } {
    const entries = [...this.#entries.values()];
    return {
      before: entries.map(({ id, path }) => ({ type: 'load adapter', id, path })),
      behind: entries.filter(({ isUnloaded }) => isUnloaded).map(({ id }) => ({ type: 'unload adapter', id })),
    };
  }

  /** No engine will come. */
  fail(error: EngineError): void {
    for (const { call } of this.#entries.values()) call?.reject(error);
    this.#entries.clear();
  }

  #find(name: string): Entry | undefined {
    return [...this.#entries.values()].find((entry) => entry.name === name && !entry.isUnloaded);
  }

  #removeUnused(entry: Entry): void {
    if (entry.isUnloaded && entry.requests === 0) this.#entries.delete(entry.id);
  }
}

function infoOf({ name, path, rank }: Entry): AdapterInfo | null {
  return rank === null ? null : { name, path, rank };
}
