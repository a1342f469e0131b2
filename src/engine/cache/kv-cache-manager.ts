/**
 * Who owns which KV slot. Every slot is free, or in the prefix cache, or private to one running request:
 * `pool.free + radix.size + Σ private = pool.size`. Of the cache's slots, those on a locked path are in use as well;
 * the others are spare and are evicted when slots are needed.
 *
 * A prompt's tokens go into the cache as soon as a step that computes them is scheduled, not when it is done: the device
 * runs steps in order, and inside a step every layer stores all keys and values before any attention reads them. So
 * even requests of the same step share their common prefix, which is how `n > 1` computes its prompt once.
 */
import { EngineError } from '../../errors.ts';
import type { StateRun } from '../../kernels/ops.ts';
import { RadixCache, type RadixNode } from './radix-cache.ts';
import type { EngineRequest } from '../core/engine-request.ts';
import type { WindowSpec } from '../core/types.ts';
import { StateRows } from './state-rows.ts';
import { TokenPool } from './token-pool.ts';
import { WindowedSlots } from './windowed-slots.ts';

/** Positions between snapshots inside a long prompt (LightLLM's linear_att_hash_page_size). */
const STATE_INTERVAL = 512;

/** What a step does with a request's states: StateRun without the tokens. */
export type StateMove = Omit<StateRun, 'first' | 'count'>;

interface KVCacheOptions {
  readonly prefixCache: boolean;
  readonly window?: WindowSpec | null;
  /** Of a model with recurrent states: requests that may run, and snapshots. */
  readonly states?: { readonly requests: number; readonly snapshots: number } | null;
}

export class KVCacheManager {
  readonly pool: TokenPool;
  /** null when the prefix cache is turned off. */
  readonly radix: RadixCache | null;
  /** null for a model whose layers all see everything. */
  readonly windowed: WindowedSlots | null;
  /** null for a model without recurrent states. */
  readonly states: StateRows | null;

  constructor(slots: number, { prefixCache, window = null, states = null }: KVCacheOptions) {
    if (window && states)
      throw new EngineError('unsupported_model', 'layers with a window beside layers with a recurrent state');
    this.pool = new TokenPool(slots);
    this.states = states && new StateRows(states.requests, prefixCache ? states.snapshots : 0);
    this.radix = prefixCache ? new RadixCache((node) => this.states?.drop(node)) : null;
    this.windowed = window && new WindowedSlots(window, slots);
  }

  /** What is scheduled from now on belongs to another step. */
  beginStep(): void {
    this.states?.beginStep();
  }

  /** The request begins to run. */
  start(request: EngineRequest): void {
    if (this.states) request.stateRow = this.states.take();
  }

  /** Slots that `alloc` can give: free ones, and cached ones that nobody refers to. */
  get available(): number {
    return this.pool.free + (this.radix?.evictable ?? 0);
  }

  /** The same for one request, which may have slots already that its next tokens take. */
  availableTo({ slots, numComputedTokens }: EngineRequest): number {
    return this.available + slots.length - numComputedTokens;
  }

  /** What of a request that does not run is cached, and held by others; at least one token is always left to compute. */
  peekPrefix(request: EngineRequest): { cached: number; locked: number } {
    if (!this.radix || !request.sharesPrefix || request.computesWholePrompt) return { cached: 0, locked: 0 };
    return this.radix.peek(request.tokenIds, this.#usablePrefix(this.radix, request), rootOf(this.radix, request));
  }

  /**
   * Takes over from the cache what can be: at admission, and before each further chunk of the prompt, since another
   * request may have computed the same tokens meanwhile.
   * @returns the number of tokens gained
   */
  takePrefix(request: EngineRequest): number {
    const { radix } = this;
    if (!radix || !request.sharesPrefix || request.computesWholePrompt) return 0;
    // Private tokens in front of the gap cannot be joined to the tree's behind it.
    if (request.numComputedTokens > request.sharedLength) return 0;
    const held = request.prefixNode ?? rootOf(radix, request);
    const { node, length } = radix.match(request.tokenIds, this.#usablePrefix(radix, request), {
      node: held,
      length: request.sharedLength,
    });
    radix.lock(node, held);
    for (const slot of radix.pathSlots(node, held)) request.slots.push(slot);
    request.prefixNode = node;
    request.sharedLength = length;
    request.cachedLength = length;
    const before = request.numComputedTokens;
    if (this.states) this.#takeState(this.states, request);
    else request.numComputedTokens = length;
    this.windowed?.moveTo(request, request.numComputedTokens);
    return request.numComputedTokens - before;
  }

  /** Whether a step under way leaves a snapshot that saves the request tokens: it had better wait for the next step. */
  waitsForState(request: EngineRequest): boolean {
    const { states } = this;
    return states !== null && snapshotAbove(request, (node) => states.isBeingWritten(node)) !== null;
  }

  /**
   * What a step does with the states of a request whose next `count` tokens, from `start` on, it computes. On the way through
   * a prompt it leaves two snapshots at most: where another request has parted from these tokens, in front of the last one, which
   * each request computes for itself, and at every 512th.
   */
  moveState(request: EngineRequest, start: number, count: number, isPrompt: boolean): StateMove | null {
    const { states, radix } = this;
    if (!states) return null;
    const { stateRow: behind, awaitedState } = request;
    const before = awaitedState ?? (start === 0 ? null : behind);
    if (awaitedState !== null) states.read(awaitedState);
    request.awaitedState = null;
    const end = start + count;
    const inside = Math.floor(end / STATE_INTERVAL) * STATE_INTERVAL;
    const keeps: StateMove['keeps'][number][] = [];
    const places = isPrompt && radix ? [request.cachedLength, request.tokenIds.length - 1, inside] : [];
    for (const place of places) {
      if (keeps.length === 2 || place <= start || place > end || place > request.sharedLength) continue;
      const from = { node: rootOf(radix!, request), length: 0 };
      const row = states.keep(radix!.match(request.tokenIds, place, from).node);
      if (row !== null) keeps.push({ after: place - start, row });
    }
    return { before, behind, keeps };
  }

  /**
   * Gives the request slots for its next n positions, evicting from the cache as needed. n ≤ `availableTo(request)`. Positions that
   * are computed for their states' sake only keep theirs: what the step writes there is what is there.
   */
  alloc(request: EngineRequest, n: number): number[] {
    this.windowed?.moveTo(request, request.numComputedTokens);
    const start = request.numComputedTokens;
    const missing = n - (request.slots.length - start) - this.pool.free;
    if (missing > 0 && this.radix) this.#free(this.radix.evict(missing));
    const fresh = this.pool.alloc(Math.max(0, start + n - request.slots.length));
    for (const slot of fresh) request.slots.push(slot);
    this.windowed?.alloc(request, fresh);
    request.numComputedTokens += n;
    return request.slots.slice(start, start + n);
  }

  /** Frees every cached slot that no request refers to. */
  flush(): void {
    if (this.radix) this.#free(this.radix.evict(this.radix.evictable));
  }

  /** Frees what was computed with an adapter that no request uses any more. */
  forgetAdapter(id: number): void {
    if (this.radix) this.#free(this.radix.forget(id));
  }

  /** Lets others share the known tokens that have been scheduled so far. */
  publish(request: EngineRequest): void {
    const { radix } = this;
    const end = Math.min(request.numComputedTokens, request.tokenIds.length);
    if (!radix || !request.sharesPrefix || end <= request.sharedLength) return;
    const held = { node: request.prefixNode ?? rootOf(radix, request), length: request.sharedLength };
    // Only a prompt's last token can be there already (`takePrefix` leaves it out): it stays private.
    if (held.node.children.has(request.tokenIds[held.length])) return;
    const { node } = radix.insert(request.tokenIds, request.slots, end, held);
    radix.lock(node, held.node);
    request.prefixNode = node;
    request.sharedLength = end;
  }

  /** Takes everything from the request: what was computed goes to the cache, unreferenced, the rest becomes free. */
  release(request: EngineRequest): void {
    const { radix } = this;
    this.windowed?.leave(request);
    let kept = request.sharedLength;
    if (radix && request.sharesPrefix) {
      const end = Math.min(request.numComputedTokens, request.tokenIds.length);
      const held = { node: request.prefixNode ?? rootOf(radix, request), length: request.sharedLength };
      if (end > held.length) {
        const { node, known } = radix.insert(request.tokenIds, request.slots, end, held);
        if (this.windowed && known > held.length) this.#heal(radix.pathSlots(node), request, held.length, known);
        this.#free(request.slots.slice(held.length, known));
        kept = end;
      }
      this.#leaveState(request);
      radix.unlock(held.node);
    } else this.#leaveState(request);
    this.#free(request.slots.slice(kept));
    request.slots = [];
    request.prefixNode = null;
    request.sharedLength = 0;
    request.cachedLength = 0;
    request.numComputedTokens = 0;
  }

  /** Goes on from the longest known prefix that has a snapshot, if that is further than the request's own states. */
  #takeState(states: StateRows, request: EngineRequest): void {
    const found = snapshotAbove(request, (node) => states.isReadable(node));
    if (!found) return;
    if (request.awaitedState !== null) states.forgo(request.awaitedState);
    request.awaitedState = states.await(found.node);
    request.numComputedTokens = found.length;
  }

  /** Its states stay as a snapshot, where the prefix cache has the tokens that made them. */
  #leaveState(request: EngineRequest): void {
    const { states, radix } = this;
    const { stateRow: row, awaitedState, numComputedTokens: length, tokenIds } = request;
    if (!states || row < 0) return;
    request.stateRow = -1;
    request.awaitedState = null;
    if (awaitedState !== null) states.forgo(awaitedState);
    const isKnown = awaitedState === null && length > 0 && length <= tokenIds.length && !request.isSpoiled;
    const from = radix && { node: rootOf(radix, request), length: 0 };
    const end = radix && from && request.sharesPrefix && isKnown ? radix.match(tokenIds, length, from) : null;
    if (end?.length === length) states.adopt(end.node, row);
    else states.give(row);
  }

  /** How many tokens of the request may be looked for in the cache: at least one is always left to compute. */
  #usablePrefix(radix: RadixCache, request: EngineRequest): number {
    const { tokenIds } = request;
    const limit = tokenIds.length - 1;
    return this.windowed ? this.windowed.usable(radix.peekSlots(tokenIds, limit, rootOf(radix, request))) : limit;
  }

  /** Positions `from … to - 1` were computed although the cache had them. @param cached main slots of its path */
  #heal(cached: readonly number[], { slots }: EngineRequest, from: number, to: number): void {
    for (let p = from; p < to; p++) this.windowed?.move(slots[p], cached[p]);
  }

  #free(slots: readonly number[]): void {
    this.windowed?.free(slots);
    this.pool.release(slots);
  }

  /** Slots that only this request holds: they come free when it ends. */
  heldAlone(request: EngineRequest): number {
    let n = request.slots.length - request.sharedLength;
    for (let node = request.prefixNode; node?.parent; node = node.parent) {
      if (node.refCount === 1) n += node.tokens.length;
    }
    return n;
  }

  /** Recounts everything from scratch and throws internal_error where a slot is lost, owned twice, or counted wrongly. */
  check(running: readonly EngineRequest[]): void {
    this.windowed?.check(running);
    this.states?.check(running, this.radix?.nodes() ?? []);
    const owner = new Map<number, string>();
    const claim = (slots: Iterable<number>, by: string): void => {
      for (const slot of slots) {
        const other = owner.get(slot);
        if (other !== undefined)
          throw new EngineError('internal_error', `KV slot ${slot} is owned by ${other} and ${by}`);
        if (!this.pool.isTaken(slot)) throw new EngineError('internal_error', `KV slot ${slot} of ${by} is free`);
        owner.set(slot, by);
      }
    };
    const references = new Map<unknown, number>();
    for (const request of running) {
      claim(request.slots.slice(request.sharedLength), `request ${request.id}`);
      for (let node = request.prefixNode; node?.parent; node = node.parent) {
        references.set(node, (references.get(node) ?? 0) + 1);
      }
    }
    let locked = 0;
    for (const node of this.radix?.nodes() ?? []) {
      claim(node.slots, 'the prefix cache');
      if (node.refCount !== (references.get(node) ?? 0)) {
        throw new EngineError(
          'internal_error',
          `prefix cache: ${node.refCount} references counted, ${references.get(node) ?? 0} held`,
        );
      }
      if (node.refCount > 0) locked += node.tokens.length;
    }
    if (this.radix && this.radix.size - this.radix.evictable !== locked) {
      throw new EngineError('internal_error', 'prefix cache: wrong count of locked slots');
    }
    if (owner.size + this.pool.free !== this.pool.size) {
      throw new EngineError(
        'internal_error',
        `KV slots: ${owner.size} owned + ${this.pool.free} free ≠ ${this.pool.size}`,
      );
    }
  }
}

function rootOf(radix: RadixCache, { adapter }: EngineRequest): RadixNode {
  return radix.rootOf(adapter?.id ?? null);
}

/** The last node on the request's locked path behind what it has computed, and its length, for which `isWanted` holds. */
function snapshotAbove(
  { prefixNode, sharedLength, numComputedTokens }: EngineRequest,
  isWanted: (node: RadixNode) => boolean,
): { node: RadixNode; length: number } | null {
  let length = sharedLength;
  for (let node = prefixNode; node?.parent && length > numComputedTokens; node = node.parent) {
    if (isWanted(node)) return { node, length };
    length -= node.tokens.length;
  }
  return null;
}
