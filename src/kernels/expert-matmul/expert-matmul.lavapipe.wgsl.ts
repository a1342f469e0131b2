/**
 * Products with each token's experts on lavapipe as a kernel: a workgroup of 8 lanes owns some units of a row block of one expert and
 * a tile of the pairs of a token and that expert, or one pair.
 */
import { composeWith } from '../../gpu/wgsl.ts';
import { isSwar, rowsOf, texelLoader, type SumsSpec } from '../matmul/lane-sums.parts.wgsl.ts';
import { laneSums, rowIndex } from '../matmul/lane-sums.wgsl.ts';
import { range } from '../unroll.ts';

export type LavapipeExpertSpec = Omit<SumsSpec, 'texel' | 'x' | 'cols' | 'colBlocks'> & {
  readonly bias: boolean;
  /** Pairs come in tiles (expert-tiles.wgsl), not as they are. */
  readonly tiled: boolean;
  /** Experts are the heads of each token, so many (../head-matmul); tiled. */
  readonly heads?: number;
};

export function lavapipeExpertKernelName(s: LavapipeExpertSpec): string {
  const extras = [
    isSwar(s) && 'swar',
    s.heads ? `heads${s.heads}` : s.tiled && 'tiled',
    s.ragged && 'ragged',
    s.bias && 'bias',
  ]
    .filter(Boolean)
    .join('-');
  return `expert-matmul.lavapipe.${s.format}-${s.groupSize}-${s.activation}-${s.units}x${s.tokens}${extras && `-${extras}`}`;
}

const codes = `var x: texture_storage_2d<rgba32uint, read>;
${texelLoader('activation', 'x')}`;

export function lavapipeExpertKernel(spec: LavapipeExpertSpec): string {
  const x = (i: string) => (spec.activation === 'q8' ? `activation(${i})` : `x[${i}]`);
  const s = { ...spec, texel: 'texel', x, cols: 'p.cols', colBlocks: 'p.colBlocks' };
  const perBlock = spec.unitsPerBlock / spec.units;
  const pairs = range(s.tokens).map((t) => `  let pair${t} = pairOf(pairs, min(${t}u, pairs.count - 1u));`);
  const tokens = range(s.tokens).map((t) => `  let token${t} = pair${t} / p.perInput;`);
  // A block counts from the slice's first; one in front of it is beyond all. A tile without pairs ends here too.
  const text = `enable subgroups;
struct Params { tokens: u32, rows: u32, cols: u32, colBlocks: u32, firstBlock: u32, sliceBlocks: u32, blocks: u32, perInput: u32, tiles: u32 }
var<immediate> p: Params;
@group(0) @binding(0) var w: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(1) ${s.activation === 'q8' ? codes : `var<storage, read> x: array<${s.ragged ? 'f32' : 'vec4<f32>'}>;`} // [T or T·k, K]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T·k, N]
${s.bias ? `@group(0) @binding(4) var<storage, read> bias: array<f32>; // [E, N]` : ''}

${texelLoader('texel', 'w')}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let zero = p.firstBlock >> 31u;
  let pairs = pairsAt(gridRow(wg.x, wg.z)${s.tiled ? ` * ${s.tokens}u` : ''});
  let expert = pairs.expert;
  let ownBlock = wg.y / ${perBlock}u;
  let block = expert * p.blocks + ownBlock - p.firstBlock;
  if (block >= p.sliceBlocks || pairs.count == 0u) { return; }
  let unit0 = (wg.y % ${perBlock}u) * ${s.units}u;
${[...pairs, ...tokens].join('\n')}
${laneSums(s)}
  let before = (block - ownBlock) * 64u; // rows of other experts
${range(rowsOf(s))
  .map((r) => storeRow(s, r))
  .join('\n')}
}
`;
  const order = spec.heads ? '../head-matmul/pairs.heads.wgsl' : spec.tiled ? 'pairs.tiles.wgsl' : 'pairs.wgsl';
  const defines = { ...(spec.tiled && { TILE: s.tokens }), ...(spec.heads && { HEADS: spec.heads }) };
  return composeWith(['../texel.wgsl', '../row-grid.wgsl', order], import.meta.url, text, defines);
}

function storeRow(s: LavapipeExpertSpec & SumsSpec, r: number): string {
  const store = range(s.tokens).map((t) => {
    const sum = `o${r}_${t}${s.bias ? ` + bias[expert * p.rows + row${r}]` : ''}`;
    const line = `y[pair${t} * p.rows + row${r}] = ${sum};`;
    return t === 0 ? `    ${line}` : `    if (${t}u < pairs.count) { ${line} }`;
  });
  return `  let row${r} = ${rowIndex(s, `${r}u`)} - before;
  if (row${r} < p.rows) {
${store.join('\n')}
  }`;
}
