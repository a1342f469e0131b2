/** A weight matrix in lane layout on the device: one or more textures, each holding whole row blocks. */
import { stagedBytes } from '../../gpu/upload.ts';
import type { MatrixSource } from '../../tensor/matrix.ts';
import { TEXTURE_WIDTH } from '../../gpu/texture-pool.ts';
import { BLOCK_ROWS, laneLayout, packLanes, type LaneLayout } from './lane-layout.ts';

export interface LaneSlice {
  /** Rows of the blocks in front of it. */
  readonly firstRow: number;
  readonly rowBlocks: number;
  readonly texture: GPUTexture;
  readonly view: GPUTextureView;
}

export interface LaneMatrix {
  readonly layout: LaneLayout;
  readonly slices: readonly LaneSlice[];
}

const TEXEL_BYTES = 16;
/** Bytes read, packed and written at a time: small, since each piece becomes garbage that the process keeps for a while. */
const PIECE_BYTES = 256 << 10;

/** Streams a matrix into textures, a few row blocks at a time. `maxTexels`: of the largest texture. */
export async function uploadLaneMatrix(
  device: GPUDevice,
  source: MatrixSource,
  maxTexels = TEXTURE_WIDTH * Math.min(device.limits.maxTextureDimension2D, 8192),
): Promise<LaneMatrix> {
  const layout = laneLayout(source);
  const blocksPerSlice = Math.max(1, Math.floor(maxTexels / layout.texelsPerRowBlock));
  const slices: LaneSlice[] = [];
  const blocks = layout.rowBlocks * (source.experts ?? 1);
  for (let block = 0; block < blocks; block += blocksPerSlice) {
    const rowBlocks = Math.min(blocksPerSlice, blocks - block);
    slices.push(await uploadSlice(device, source, layout, block, rowBlocks));
  }
  return { layout, slices };
}

async function uploadSlice(
  device: GPUDevice,
  source: MatrixSource,
  layout: LaneLayout,
  firstBlock: number,
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
  const blocksAtOnce = Math.max(1, Math.floor(PIECE_BYTES / (layout.texelsPerRowBlock * TEXEL_BYTES)));
  const rows = source.rows / (source.experts ?? 1);
  for (let block = firstBlock; block < firstBlock + rowBlocks;) {
    const own = block % layout.rowBlocks;
    const blocks = Math.min(blocksAtOnce, firstBlock + rowBlocks - block, layout.rowBlocks - own);
    const count = Math.min(blocks * BLOCK_ROWS, rows - own * BLOCK_ROWS);
    const start = Math.floor(block / layout.rowBlocks) * rows + own * BLOCK_ROWS;
    const texels = packLanes(layout, source.readRows(start, count), count, source.cols);
    writer.write(texels);
    await stagedBytes(device, texels.byteLength);
    block += blocks;
  }
  writer.end();
  return { firstRow: firstBlock * BLOCK_ROWS, rowBlocks, texture, view: texture.createView() };
}

const ROW_DWORDS = TEXTURE_WIDTH * 4;

/** Writes a linear run of texels into a texture of fixed width, whole rows at a time. */
class TexelWriter {
  readonly #device: GPUDevice;
  readonly #texture: GPUTexture;
  /** The row that is not full yet. */
  readonly #rest = new Uint32Array(ROW_DWORDS);
  #fill = 0;
  #row = 0;

  constructor(device: GPUDevice, texture: GPUTexture) {
    this.#device = device;
    this.#texture = texture;
  }

  write(texels: Uint32Array<ArrayBuffer>): void {
    const head = texels.subarray(0, (ROW_DWORDS - this.#fill) % ROW_DWORDS);
    this.#rest.set(head, this.#fill);
    this.#fill += head.length;
    if (this.#fill === ROW_DWORDS) this.end();
    const rows = Math.floor((texels.length - head.length) / ROW_DWORDS);
    const tail = head.length + rows * ROW_DWORDS;
    this.#writeRows(texels.subarray(head.length, tail), rows);
    this.#rest.set(texels.subarray(tail), this.#fill);
    this.#fill += texels.length - tail;
  }

  /** Writes the row that is not full. */
  end(): void {
    if (this.#fill > 0) this.#writeRows(this.#rest, 1);
    this.#fill = 0;
  }

  #writeRows(texels: Uint32Array<ArrayBuffer>, rows: number): void {
    if (rows === 0) return;
    this.#device.queue.writeTexture(
      { texture: this.#texture, origin: [0, this.#row] },
      texels,
      { bytesPerRow: ROW_DWORDS * 4, rowsPerImage: rows },
      [TEXTURE_WIDTH, rows],
    );
    this.#row += rows;
  }
}
