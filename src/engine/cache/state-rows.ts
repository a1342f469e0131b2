/**
 * Who owns which row of recurrent states. A row is free, or a running request's own (it holds the states behind the tokens
 * that the request has computed), or a snapshot: the states at the end of a node of the prefix cache, from which a request
 * that takes the prefix over goes on. `free + running + snapshots = all`. There are as many rows as requests may run, and
 * so many more for snapshots; when those are all taken the least recently used one makes room.
 *
 * Runs of one step see no order among each other. So a snapshot that is written in a step can be read from the next one on, and
 * one that is read in a step is not overwritten in it.
 */
import { EngineError } from '../../errors.ts';
import type { EngineRequest } from '../core/engine-request.ts';
import type { RadixNode } from './radix-cache.ts';

export class StateRows {
  readonly size: number;
  readonly #mostSnapshots: number;
  readonly #free: number[];
  /** The node of each snapshot's row, least recently used first. */
  readonly #snapshots = new Map<number, RadixNode>();
  /** Of snapshots: how many requests will read the row in their next step. */
  readonly #awaited = new Map<number, number>();
  readonly #readInStep = new Set<number>();
  readonly #writtenInStep = new Set<number>();

  /**
   * @param requests that may run at the same time
   * @param snapshots at most
   */
  constructor(requests: number, snapshots: number) {
    this.size = requests + snapshots;
    this.#mostSnapshots = snapshots;
    this.#free = Array.from({ length: this.size }, (_, i) => this.size - 1 - i);
  }

  get free(): number {
    return this.#free.length;
  }

  get snapshots(): number {
    return this.#snapshots.size;
  }

  /** What is scheduled from now on runs behind all that was scheduled before. */
  beginStep(): void {
    this.#readInStep.clear();
    this.#writtenInStep.clear();
  }

  /** A row for a request that starts to run; there is always one. */
  take(): number {
    const row = this.#free.pop();
    if (row === undefined) throw new EngineError('internal_error', 'state rows: none is free for a request');
    return row;
  }

  give(row: number): void {
    this.#free.push(row);
  }

  /** Whether a request that is scheduled now can go on from the node's end. */
  isReadable({ state }: RadixNode): boolean {
    return state !== null && !this.#writtenInStep.has(state);
  }

  /** Whether it will be able to in the next step. */
  isBeingWritten({ state }: RadixNode): boolean {
    return state !== null && this.#writtenInStep.has(state);
  }

  /** The node's snapshot stays until the request has read it (`read`), or does not want it any more (`forgo`). */
  await(node: RadixNode): number {
    const row = node.state!;
    this.#awaited.set(row, (this.#awaited.get(row) ?? 0) + 1);
    this.#touch(row, node);
    return row;
  }

  forgo(row: number): void {
    const left = this.#awaited.get(row)! - 1;
    if (left === 0) this.#awaited.delete(row);
    else this.#awaited.set(row, left);
  }

  /** A request of this step reads the row. */
  read(row: number): void {
    this.forgo(row);
    this.#readInStep.add(row);
  }

  /** A row that this step writes the states at the node's end to; null where they are kept already, or there is no room. */
  keep(node: RadixNode): number | null {
    if (node.state !== null) this.#touch(node.state, node);
    if (node.state !== null || !this.#makeRoom()) return null;
    const row = this.take();
    this.#writtenInStep.add(row);
    this.#own(row, node);
    return row;
  }

  /** A row that was a request's own becomes the node's snapshot; where there is no need or room it comes free. */
  adopt(node: RadixNode, row: number): void {
    if (node.state !== null) this.#touch(node.state, node);
    if (node.state !== null || !this.#makeRoom()) this.give(row);
    else this.#own(row, node);
  }

  /** The node's end is gone from the prefix cache, and its snapshot with it. */
  drop(node: RadixNode): void {
    const row = node.state;
    if (row === null) return;
    node.state = null;
    this.#snapshots.delete(row);
    this.give(row);
  }

  /** @param nodes of the prefix cache. Throws internal_error where a row is lost, owned twice, or awaited by nobody. */
  check(running: readonly EngineRequest[], nodes: Iterable<RadixNode>): void {
    const owned = new Set([...this.#free, ...running.map(({ stateRow }) => stateRow), ...this.#snapshots.keys()]);
    const count = this.#free.length + running.length + this.#snapshots.size;
    const isWhole = owned.size === this.size && count === this.size && Math.min(...owned) === 0;
    if (!isWhole || this.#snapshots.size > this.#mostSnapshots)
      throw new EngineError('internal_error', `state rows: ${owned.size} owned, ${count} counted of ${this.size}`);
    let found = 0;
    for (const node of nodes) {
      if (node.state === null) continue;
      found++;
      if (this.#snapshots.get(node.state) !== node)
        throw new EngineError('internal_error', `state row ${node.state} is another node's`);
    }
    if (found !== this.#snapshots.size) throw new EngineError('internal_error', 'state rows: a snapshot has no node');
    const awaiting = running.filter(({ awaitedState }) => awaitedState !== null);
    const awaited = [...this.#awaited.values()].reduce((n, requests) => n + requests, 0);
    const isKept = awaiting.every(({ awaitedState }) => this.#snapshots.has(awaitedState!));
    if (awaited !== awaiting.length || !isKept)
      throw new EngineError('internal_error', 'state rows: a snapshot that a request waits for is lost');
  }

  #own(row: number, node: RadixNode): void {
    node.state = row;
    this.#snapshots.set(row, node);
  }

  #touch(row: number, node: RadixNode): void {
    this.#snapshots.delete(row);
    this.#snapshots.set(row, node);
  }

  /** For one more snapshot; false where all of them are in use. */
  #makeRoom(): boolean {
    if (this.#snapshots.size < this.#mostSnapshots) return true;
    for (const [row, node] of this.#snapshots) {
      if (this.#awaited.has(row) || this.#readInStep.has(row) || this.#writtenInStep.has(row)) continue;
      this.drop(node);
      return true;
    }
    return false;
  }
}
