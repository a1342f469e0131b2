/**
 * WGSL of the matrix product for many tokens on real GPUs: a workgroup owns a tile of `tileTokens × tileRows` outputs and
 * walks the columns `tileCols` at a time. Both operands of a step are put into workgroup memory in f32 (weights
 * decoded there, once for all tokens of the tile), then every invocation multiplies `perToken` tokens with `perRow`
 * rows out of registers.
 *
 * Workgroup memory holds vec4s of 4 consecutive columns. The column index is XOR-ed with the row (`slot`), so that
 * invocations that read the same column of different rows use different banks.
 */
import { range } from '../unroll.ts';
import { chunkBindings, inputBinding, withChunks, type ChunkSpec, type InputSpec } from './row-chunk.wgsl.ts';

export interface Tile {
  readonly tileTokens: number;
  readonly tileRows: number;
  /** Columns of a step: 8, 16 or 32. */
  readonly tileCols: number;
  /** Outputs of one invocation. */
  readonly perToken: number;
  readonly perRow: number;
}

export interface TiledSpec extends ChunkSpec, InputSpec, Tile {
  readonly bias: boolean;
  readonly residual: boolean;
}

export function tiledKernelName(s: TiledSpec): string {
  const extras = [s.ragged && 'ragged', s.bias && 'bias', s.residual && 'residual'].filter(Boolean).join('-');
  const tile = `${s.tileTokens}x${s.tileRows}x${s.tileCols}-${s.perToken}x${s.perRow}`;
  return `matmul.tiled.${s.format}-${s.groupSize}-${s.input}-${tile}${extras && `-${extras}`}`;
}

export function tiledKernel(s: TiledSpec): string {
  const across = s.tileRows / s.perRow;
  const threads = (s.tileTokens / s.perToken) * across;
  const quads = s.tileCols / 4;
  const tokens = range(s.perToken);
  const rows = range(s.perRow);
  let binding = chunkBindings(s);
  const text = `struct Params { tokens: u32, rows: u32, cols: u32, chunks: u32, firstRow: u32, sliceRows: u32 }
var<immediate> p: Params;
${inputBinding(s, binding++)}
@group(0) @binding(${binding++}) var<storage, read_write> y: array<f32>; // [T, N]
${s.bias ? `@group(0) @binding(${binding++}) var<storage, read> bias: array<f32>; // [N]` : ''}
${s.residual ? `@group(0) @binding(${binding++}) var<storage, read> residual: array<f32>; // [T, N]` : ''}

var<workgroup> tileX: array<vec4<f32>, ${s.tileTokens * quads}>; // [token][quad]
var<workgroup> tileW: array<vec4<f32>, ${s.tileRows * quads}>; // [row][quad]

// Where quad \`quad\` of line \`line\` (a token or a row) lies.
fn slot(line: u32, quad: u32) -> u32 { return line * ${quads}u + (quad ^ ((line / ${8 / quads}u) % ${quads}u)); }

fn loadX(token0: u32, chunk0: u32, thread: u32) {
  for (var i = thread; i < ${(s.tileTokens * s.tileCols) / 8}u; i += ${threads}u) {
    let line = i / ${s.tileCols / 8}u;
    let part = i % ${s.tileCols / 8}u;
    var c = Chunk();
    if (token0 + line < p.tokens && chunk0 + part < p.chunks) { c = inputChunk(token0 + line, chunk0 + part); }
    tileX[slot(line, 2u * part)] = c.a;
    tileX[slot(line, 2u * part + 1u)] = c.b;
  }
}

fn loadW(row0: u32, chunk0: u32, thread: u32) {
  for (var i = thread; i < ${(s.tileRows * s.tileCols) / 8}u; i += ${threads}u) {
    let line = i / ${s.tileCols / 8}u;
    let part = i % ${s.tileCols / 8}u;
    var c = Chunk();
    if (row0 + line < p.sliceRows && chunk0 + part < p.chunks) {
      let at = (row0 + line) * p.chunks + chunk0 + part;
      c = weightChunk(at);
${s.groupSize ? '      let d = scaleMin(at);\n      c = Chunk(c.a * d.x + d.y, c.b * d.x + d.y);' : ''}
    }
    tileW[slot(line, 2u * part)] = c.a;
    tileW[slot(line, 2u * part + 1u)] = c.b;
  }
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let token0 = wg.y * ${s.tileTokens}u;
  let row0 = wg.x * ${s.tileRows}u;
  // Invocation (i, j) owns tokens i, i + ${s.tileTokens / s.perToken}, … and rows j, j + ${across}, … of the tile.
  let i = thread / ${across}u;
  let j = thread % ${across}u;
${tokens.map((t) => `  ${rows.map((r) => `var o${t}_${r} = 0.0;`).join(' ')}`).join('\n')}
  for (var chunk0 = 0u; chunk0 < p.chunks; chunk0 += ${s.tileCols / 8}u) {
    loadX(token0, chunk0, thread);
    loadW(row0, chunk0, thread);
    workgroupBarrier();
    for (var quad = 0u; quad < ${quads}u; quad++) {
${tokens.map((t) => `      let x${t} = tileX[slot(i + ${(t * s.tileTokens) / s.perToken}u, quad)];`).join('\n')}
${rows.map((r) => `      let w${r} = tileW[slot(j + ${r * across}u, quad)];`).join('\n')}
${tokens.map((t) => `      ${rows.map((r) => `o${t}_${r} += dot(x${t}, w${r});`).join(' ')}`).join('\n')}
    }
    workgroupBarrier();
  }
${tokens.map((t) => rows.map((r) => `  store(token0 + i + ${(t * s.tileTokens) / s.perToken}u, row0 + j + ${r * across}u, o${t}_${r});`).join('\n')).join('\n')}
}

fn store(token: u32, row: u32, sum: f32) {
  if (token >= p.tokens || row >= p.sliceRows) { return; }
  let at = token * p.rows + p.firstRow + row;
  y[at] = sum${s.bias ? ' + bias[p.firstRow + row]' : ''}${s.residual ? ' + residual[at]' : ''};
}
`;
  return withChunks(s, s, text);
}
