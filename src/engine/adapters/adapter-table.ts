/**
 * Which adapters there are, and which of them lie on the device: as many as it has slots, the others on the host. A slot is pinned
 * while a request runs that uses its adapter; of those that are not, the one unused for longest makes room.
 */
import { EngineError, toEngineError } from '../../errors.ts';
import type { AdapterDevice, HostAdapter } from './adapter-device.ts';

export class LoadedAdapter {
  /** Never used again for another one. */
  readonly id: number;
  readonly host: HostAdapter;
  /** Null while it is on the host alone. */
  slot: number | null = null;
  /** It lies in its slot whole. */
  isWritten = false;
  /** Requests that run with it. */
  pins = 0;
  /** Requests that wait or run. */
  requests = 0;
  /** Goes when the last of them has ended. */
  isUnloaded = false;
  /** Logical time. */
  lastUse = 0;

  constructor(id: number, host: HostAdapter) {
    this.id = id;
    this.host = host;
  }
}

export class AdapterTable {
  readonly #device: AdapterDevice;
  readonly #adapters = new Map<number, LoadedAdapter>();
  /** By slot. */
  readonly #slots: (LoadedAdapter | null)[];
  readonly #onGone: (id: number) => void;
  #writes: Promise<void> = Promise.resolve();
  #writing = 0;
  #failure: EngineError | null = null;
  #clock = 0;

  /** @param onGone told of each adapter that was unloaded and that no request uses any more */
  constructor(device: AdapterDevice, onGone: (id: number) => void) {
    this.#device = device;
    this.#slots = Array.from({ length: device.slots }, () => null);
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#adapters.size;
  }

  /** Reads it; it is put on the device when a request wants it. @throws EngineError for anything wrong with its files */
  async load(id: number, path: string): Promise<HostAdapter> {
    const host = await this.#device.read(path);
    if (host.rank > this.#device.maxRank) {
      const message = `${path}: its rank is ${host.rank}, but there is room for adapters of up to ${this.#device.maxRank} (--max_lora_rank)`;
      throw new EngineError('unsupported_model', message, { param: 'max_lora_rank' });
    }
    this.#adapters.set(id, new LoadedAdapter(id, host));
    return host;
  }

  /** No request is accepted for it any more; those that are go on. Unknown ids are ignored: its load may have failed. */
  unload(id: number): void {
    const adapter = this.#adapters.get(id);
    if (!adapter) return;
    adapter.isUnloaded = true;
    this.#removeUnused(adapter);
  }

  /** For a new request; `release` takes it back. @throws EngineError model_not_found */
  use(id: number): LoadedAdapter {
    const adapter = this.#adapters.get(id);
    if (!adapter || adapter.isUnloaded)
      throw new EngineError('model_not_found', 'The adapter is not loaded.', { param: 'model' });
    adapter.requests++;
    return adapter;
  }

  /** A request has ended. */
  release(adapter: LoadedAdapter): void {
    adapter.requests--;
    this.#removeUnused(adapter);
  }

  /**
   * Whether a request may start with it now. If not it is on its way ('coming'), or all slots are in use by requests that
   * run ('full').
   */
  ask(adapter: LoadedAdapter): 'ready' | 'coming' | 'full' {
    if (this.#failure) throw this.#failure;
    if (adapter.slot !== null) return adapter.isWritten ? 'ready' : 'coming';
    const slot = this.#freeSlot();
    if (slot === null) return 'full';
    const victim = this.#slots[slot];
    if (victim) victim.slot = null;
    this.#slots[slot] = adapter;
    adapter.slot = slot;
    adapter.isWritten = false;
    this.#write(slot, adapter);
    return 'coming';
  }

  /** A request that uses it starts to run: it stays where it is. */
  pin(adapter: LoadedAdapter): void {
    adapter.pins++;
    adapter.lastUse = ++this.#clock;
  }

  unpin(adapter: LoadedAdapter): void {
    adapter.pins--;
    adapter.lastUse = ++this.#clock;
  }

  /** Whether some adapter is on its way to the device. */
  get isWriting(): boolean {
    return this.#writing > 0;
  }

  /** Fulfilled when those that are on their way now are there. */
  written(): Promise<void> {
    return this.#writes;
  }

  #write(slot: number, adapter: LoadedAdapter): void {
    this.#writing++;
    const done = this.#writes.then(() => this.#device.write(slot, adapter.host));
    this.#writes = done
      .then(() => {
        adapter.isWritten = true;
      })
      .catch((error: unknown) => {
        this.#failure = toEngineError(error);
      })
      .finally(() => {
        this.#writing--;
        this.#removeUnused(adapter);
      });
  }

  /** An empty slot, or that of the adapter that nobody runs with and that was used last before all others. */
  #freeSlot(): number | null {
    const empty = this.#slots.indexOf(null);
    if (empty >= 0) return empty;
    const idle = this.#slots.filter((adapter) => adapter?.isWritten && adapter.pins === 0);
    const oldest = idle.reduce((a, b) => (a && b && a.lastUse <= b.lastUse ? a : b), null);
    return oldest?.slot ?? null;
  }

  #removeUnused(adapter: LoadedAdapter): void {
    // What is being written belongs to the write.
    const isComing = adapter.slot !== null && !adapter.isWritten;
    if (!adapter.isUnloaded || adapter.requests > 0 || isComing || !this.#adapters.delete(adapter.id)) return;
    if (adapter.slot !== null) this.#slots[adapter.slot] = null;
    this.#onGone(adapter.id);
  }
}
