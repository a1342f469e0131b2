/** A weight matrix in lane layout on the device: one or more textures, each holding whole row blocks. */
import { waitForGpu } from '../../gpu/wait.ts';
import type { MatrixSource } from '../../tensor/matrix.ts';
import { BLOCK_ROWS, TEXTURE_WIDTH, laneLayout, packLanes, type LaneLayout } from './lane-layout.ts';

export interface LaneSlice {
  readonly firstRow: number;
  readonly rowBlocks: number;
  readonly texture: GPUTexture;
  readonly view: GPUTextureView;
}

export interface LaneMatrix {
  readonly kind: 'lanes';
  readonly layout: LaneLayout;
  readonly slices: readonly LaneSlice[];
}

const TEXEL_BYTES = 16;
/** Rows of texels staged on the host at a time: 4 MiB. */
const STAGED_ROWS = 256;
/** Bytes written between two waits for the device, so that its own staging memory stays bounded. */
const WAIT_EVERY = 64 << 20;

/** Streams a matrix into textures, a few row blocks at a time. */
export async function uploadLaneMatrix(device: GPUDevice, source: MatrixSource): Promise<LaneMatrix> {
  const layout = laneLayout(source);
  const maxTexels = TEXTURE_WIDTH * Math.min(device.limits.maxTextureDimension2D, 8192);
  const blocksPerSlice = Math.max(1, Math.floor(maxTexels / layout.texelsPerRowBlock));
  const slices: LaneSlice[] = [];
  for (let block = 0; block < layout.rowBlocks; block += blocksPerSlice) {
    const rowBlocks = Math.min(blocksPerSlice, layout.rowBlocks - block);
    slices.push(await uploadSlice(device, source, layout, block * BLOCK_ROWS, rowBlocks));
  }
  return { kind: 'lanes', layout, slices };
}

async function uploadSlice(
  device: GPUDevice,
  source: MatrixSource,
  layout: LaneLayout,
  firstRow: number,
  rowBlocks: number,
): Promise<LaneSlice> {
  const texels = rowBlocks * layout.texelsPerRowBlock;
  const texture = device.createTexture({
    label: source.name,
    size: [TEXTURE_WIDTH, Math.ceil(texels / TEXTURE_WIDTH)],
    format: 'rgba32uint',
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
  });
  const writer = new TexelWriter(device, texture);
  const blocksAtOnce = Math.max(1, Math.floor((2 << 20) / (layout.texelsPerRowBlock * TEXEL_BYTES)));
  for (let block = 0; block < rowBlocks; block += blocksAtOnce) {
    const start = firstRow + block * BLOCK_ROWS;
    const blocks = Math.min(blocksAtOnce, rowBlocks - block);
    const count = Math.min(blocks * BLOCK_ROWS, source.rows - start);
    await writer.write(packLanes(layout, source.readRows(start, count), count, source.cols));
  }
  writer.flush();
  return { firstRow, rowBlocks, texture, view: texture.createView() };
}

/** Writes a linear run of texels into a texture of fixed width, whole rows at a time. */
class TexelWriter {
  readonly #device: GPUDevice;
  readonly #texture: GPUTexture;
  readonly #staged = new Uint32Array(STAGED_ROWS * TEXTURE_WIDTH * 4);
  #fill = 0;
  #row = 0;
  #sinceWait = 0;

  constructor(device: GPUDevice, texture: GPUTexture) {
    this.#device = device;
    this.#texture = texture;
  }

  async write(texels: Uint32Array): Promise<void> {
    for (let at = 0; at < texels.length;) {
      const part = texels.subarray(at, at + this.#staged.length - this.#fill);
      this.#staged.set(part, this.#fill);
      this.#fill += part.length;
      at += part.length;
      if (this.#fill === this.#staged.length) this.flush();
    }
    this.#sinceWait += texels.byteLength;
    if (this.#sinceWait > WAIT_EVERY) {
      this.#sinceWait = 0;
      await waitForGpu(this.#device.queue.onSubmittedWorkDone());
    }
  }

  flush(): void {
    const rowDwords = TEXTURE_WIDTH * 4;
    const rows = Math.ceil(this.#fill / rowDwords);
    if (rows === 0) return;
    this.#device.queue.writeTexture(
      { texture: this.#texture, origin: [0, this.#row] },
      this.#staged,
      { bytesPerRow: rowDwords * 4, rowsPerImage: rows },
      [TEXTURE_WIDTH, rows],
    );
    this.#row += rows;
    this.#fill = 0;
  }
}
