/**
 * Recordings that later steps run again: for each shape of a step the dispatches with their pipelines, bind groups,
 * immediates and grids. A recording owns no memory. It names buffers of the pool, where each step puts its values as it
 * comes: it fits a step that lies in the same buffers while everything else that it names is free, which is how the pool
 * deals with steps of one shape (gpu/free-list.ts). A step that it does not fit is recorded anew.
 */
import type { DispatchList, Resource } from '../../gpu/recorder.ts';
import type { ProgramResult } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import type { ModelOp } from './recording.ts';

/** Of all recordings together. A bind group takes a few kB on the device, and most dispatches have one of their own. */
const MAX_DISPATCHES = 8192;

export interface Replay {
  readonly list: DispatchList;
  readonly results: ProgramResult;
  /** Which ops it is made of. */
  readonly ops: ReadonlySet<ModelOp>;
}

interface Kept extends Replay {
  readonly step: GpuStep;
  /** Activations that it writes, apart from the step's own buffers. */
  readonly memory: readonly Resource[];
}

export class Replays {
  readonly #ctx: WebGPUContext;
  /** By owner and shape; the one that was not used for longest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #owners = new WeakMap<object, number>();
  #nextOwner = 0;
  #dispatches = 0;

  constructor(ctx: WebGPUContext) {
    this.#ctx = ctx;
  }

  /** What does the same as the owner's body for this step, if it is known. */
  find(owner: object, step: GpuStep): Replay | null {
    const key = this.#key(owner, step);
    const known = this.#kept.get(key);
    if (!known) return null;
    this.#kept.delete(key);
    this.#kept.set(key, known);
    const fits = liesAlike(known.step, step) && !known.memory.some((resource) => this.#ctx.memory.isLive(resource));
    return fits ? known : null;
  }

  /** @param outside activations that were live when the program began: a list that reads others than the step's is not kept */
  keep(owner: object, step: GpuStep, replay: Replay, outside: ReadonlySet<Resource>): void {
    const own = new Set(buffersOf(step));
    const named = [...replay.list.resources].filter((resource) => !own.has(resource));
    if (named.some((resource) => outside.has(resource))) return;
    const key = this.#key(owner, step);
    this.#drop(key);
    const memory = named.filter((resource) => this.#ctx.memory.isActivation(resource));
    this.#kept.set(key, { ...replay, step, memory });
    this.#dispatches += replay.list.dispatches.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#dispatches <= MAX_DISPATCHES) break;
      this.#drop(oldest);
    }
  }

  /** Its results live until the step ends. */
  run({ list, results }: Replay): void {
    this.#ctx.recorder.replay(list);
    const memory = new Set(Object.values(results).map((result) => result?.storage as Resource));
    for (const resource of memory) this.#ctx.memory.retake(resource);
  }

  #drop(key: string): void {
    this.#dispatches -= this.#kept.get(key)?.list.dispatches.length ?? 0;
    this.#kept.delete(key);
  }

  /** Everything that launchers may know of a step but where it lies, and which kernels they have for it. */
  #key(owner: object, { numTokens, numLogits, storage }: GpuStep): string {
    const id = this.#owners.get(owner) ?? this.#nextOwner++;
    this.#owners.set(owner, id);
    const { promptRows, prefillTiles, decodeTokens, adapters, stateRuns, maxContext } = storage;
    const all = [promptRows, prefillTiles, decodeTokens, adapters, stateRuns];
    const lists = all.flatMap(({ offset, count }) => [offset, count]);
    return [id, this.#ctx.stage.name, numTokens, numLogits, ...lists, maxContext].join();
  }
}

function liesAlike(a: GpuStep, b: GpuStep): boolean {
  const theirs = buffersOf(b);
  const ours = buffersOf(a);
  return a.storage.kv === b.storage.kv && ours.length === theirs.length && ours.every((x, i) => x === theirs[i]);
}

/** The buffers that a step was written to. */
function buffersOf({ storage: { groups, rotaryRows } }: GpuStep): Resource[] {
  return [...groups.map(({ buffer }) => buffer), ...(rotaryRows ? [rotaryRows.storage] : [])];
}
