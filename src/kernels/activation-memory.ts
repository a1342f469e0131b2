/** Who holds the memory of activations: taken from the pools as ops run, given back behind their scope, last reader or step. */
import type { BufferPool, PooledBuffer } from '../gpu/buffer-pool.ts';
import type { Resource } from '../gpu/recorder.ts';
import type { PooledTexture, TexturePool } from '../gpu/texture-pool.ts';
import { EngineError } from '../errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

type Pooled = PooledBuffer | PooledTexture;

export class ActivationMemory {
  readonly #pool: BufferPool;
  readonly #textures: TexturePool;
  readonly #live = new Set<Pooled>();
  /** Taken since the innermost scope began. */
  #taken: Pooled[] = [];
  readonly #owned = new Map<Resource, Pooled>();

  constructor(pool: BufferPool, textures: TexturePool) {
    this.#pool = pool;
    this.#textures = textures;
  }

  takeBuffer(bytes: number): GPUBuffer {
    const pooled = this.#pool.take(bytes);
    this.#hold(pooled, pooled.buffer);
    return pooled.buffer;
  }

  /** A view of one, its texels addressed linearly. */
  takeTexture(texels: number): GPUTextureView {
    const pooled = this.#textures.take(texels);
    this.#hold(pooled, pooled.view);
    return pooled.view;
  }

  /** The texture of a view that came from here. */
  textureOf(resource: Resource): GPUTexture | null {
    const pooled = this.#owned.get(resource);
    return pooled && 'texture' in pooled ? pooled.texture : null;
  }

  /** Runs `body` and gives back what it took, except what it returns. Scopes nest. */
  scope<T extends Tensor>(body: () => T): T {
    const outer = this.#taken;
    this.#taken = [];
    try {
      const result = body();
      const kept = this.#owned.get(result.storage as Resource);
      for (const pooled of this.#taken) if (pooled !== kept) this.#give(pooled);
      if (kept && this.#taken.includes(kept)) outer.push(kept);
      return result;
    } finally {
      this.#taken = outer;
    }
  }

  /** Where the activations lie that are in use. */
  liveResources(): Set<Resource> {
    return new Set([...this.#live].map((pooled) => ('texture' in pooled ? pooled.view : pooled.buffer)));
  }

  /** Whether it is memory that activations are put into. */
  isActivation(resource: Resource): boolean {
    return this.#owned.has(resource);
  }

  /** Whether it is such memory, and in use. */
  isLive(resource: Resource): boolean {
    const pooled = this.#owned.get(resource);
    return pooled !== undefined && this.#live.has(pooled);
  }

  /** Gives back the memory of one activation; nothing where it is none. */
  release(resource: Resource): void {
    const pooled = this.#owned.get(resource);
    if (pooled) this.#give(pooled);
  }

  /** Takes the memory of an activation of an earlier step again, which must not be live. */
  retake(resource: Resource): void {
    const pooled = this.#owned.get(resource);
    if (!pooled) return;
    const isFree = 'texture' in pooled ? this.#textures.takeThis(pooled) : this.#pool.takeThis(pooled);
    if (!isFree) throw new EngineError('internal_error', 'memory of an activation was to be taken again while in use');
    this.#hold(pooled, resource);
  }

  /** Gives back every activation of the step. */
  releaseAll(): void {
    for (const pooled of this.#live) this.#give(pooled);
    this.#taken = [];
  }

  #hold(pooled: Pooled, resource: Resource): void {
    this.#live.add(pooled);
    this.#taken.push(pooled);
    this.#owned.set(resource, pooled);
  }

  #give(pooled: Pooled): void {
    if (!this.#live.delete(pooled)) return;
    if ('texture' in pooled) this.#textures.give(pooled);
    else this.#pool.give(pooled);
  }
}
