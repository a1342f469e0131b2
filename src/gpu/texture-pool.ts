/** Textures for a step's integer activations on lavapipe, reused between steps as in BufferPool. Texels lie row by row, TEXTURE_WIDTH to a row. */
import { EngineError } from '../errors.ts';
import { FreeList } from './free-list.ts';

/** Texels in a row of every texture that is addressed linearly. */
export const TEXTURE_WIDTH = 1024;
const TEXEL_BYTES = 16;

export interface PooledTexture {
  /** Counts up from 0 in order of creation. */
  readonly id: number;
  readonly texture: GPUTexture;
  readonly view: GPUTextureView;
  readonly rows: number;
}

export class TexturePool {
  readonly #device: GPUDevice;
  readonly #free = new Map<number, FreeList<PooledTexture>>();
  readonly #all: PooledTexture[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * An rgba32uint texture of at least `texels`, rounded up to a power of two of rows; its content is whatever its last
   * use left. Throws out_of_memory when no texture of this adapter is that large.
   */
  take(texels: number): PooledTexture {
    const rows = 2 ** Math.ceil(Math.log2(Math.max(1, Math.ceil(texels / TEXTURE_WIDTH))));
    const most = this.#device.limits.maxTextureDimension2D;
    if (rows > most) {
      const message = `${texels} texels of activations do not fit a texture of ${most} rows: lower batch_max_tokens`;
      throw new EngineError('out_of_memory', message, { param: 'batch_max_tokens' });
    }
    const known = this.#free.get(rows)?.take();
    if (known) return known;
    const texture = this.#device.createTexture({
      label: `activation ${rows}`,
      size: [TEXTURE_WIDTH, rows],
      format: 'rgba32uint',
      usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_SRC,
    });
    const pooled = { id: this.#all.length, texture, view: texture.createView(), rows };
    this.#all.push(pooled);
    return pooled;
  }

  /** A texture that was given back, again; false when it is in use. */
  takeThis(pooled: PooledTexture): boolean {
    return this.#free.get(pooled.rows)?.takeThis(pooled) ?? false;
  }

  /** Gives a texture back. The GPU runs in submission order, so later dispatches may overwrite it at once. */
  give(pooled: PooledTexture): void {
    const list = this.#free.get(pooled.rows) ?? new FreeList();
    this.#free.set(pooled.rows, list);
    list.give(pooled);
  }

  destroy(): void {
    for (const { texture } of this.#all) texture.destroy();
  }
}

/** Bytes that the first `texels` take when they are copied out, whole rows. */
export function copiedBytes(texels: number): number {
  return Math.ceil(texels / TEXTURE_WIDTH) * TEXTURE_WIDTH * TEXEL_BYTES;
}
