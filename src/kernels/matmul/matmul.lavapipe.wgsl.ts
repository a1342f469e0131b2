/** The matrix product of lavapipe as a kernel of its own: a workgroup of 8 lanes owns some units of a row block and a tile of tokens. */
import { composeWith } from '../../gpu/wgsl.ts';
import { range } from '../unroll.ts';
import { isSwar, rowsOf, texelLoader, type SumsSpec } from './lane-sums.parts.wgsl.ts';
import { laneSums, rowIndex } from './lane-sums.wgsl.ts';

export type LavapipeSpec = Omit<SumsSpec, 'texel' | 'x' | 'cols' | 'colBlocks'> & {
  readonly bias: boolean;
  readonly residual: boolean;
};

export function lavapipeKernelName(s: LavapipeSpec): string {
  const extras = [isSwar(s) && 'swar', s.ragged && 'ragged', s.bias && 'bias', s.residual && 'residual']
    .filter(Boolean)
    .join('-');
  return `matmul.lavapipe.${s.format}-${s.groupSize}-${s.activation}-${s.units}x${s.tokens}${extras && `-${extras}`}`;
}

const codes = `var x: texture_storage_2d<rgba32uint, read>;
${texelLoader('activation', 'x')}`;

export function lavapipeKernel(spec: LavapipeSpec): string {
  const x = (i: string) => (spec.activation === 'f32' ? `x[${i}]` : `activation(${i})`);
  const s = { ...spec, texel: 'texel', x, cols: 'p.cols', colBlocks: 'p.colBlocks' };
  let binding = 3;
  const text = `enable subgroups;
struct Params { tokens: u32, rows: u32, cols: u32, colBlocks: u32, firstRow: u32 }
var<immediate> p: Params;
@group(0) @binding(0) var w: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(1) ${s.activation === 'f32' ? `var<storage, read> x: array<${s.ragged ? 'f32' : 'vec4<f32>'}>;` : codes} // [T, K]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, N]
${s.bias ? `@group(0) @binding(${binding++}) var<storage, read> bias: array<f32>; // [N]` : ''}
${s.residual ? `@group(0) @binding(${binding++}) var<storage, read> residual: array<f32>; // [T, N]` : ''}

${texelLoader('texel', 'w')}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let zero = p.firstRow >> 31u;
  let firstToken = wg.x * ${s.tokens}u;
  let block = wg.y / ${s.unitsPerBlock / s.units}u;
  let unit0 = (wg.y % ${s.unitsPerBlock / s.units}u) * ${s.units}u;
${range(s.tokens)
  .map((t) => `  let token${t} = min(firstToken + ${t}u, p.tokens - 1u);`)
  .join('\n')}
${laneSums(s)}
${range(rowsOf(s))
  .map((r) => storeRow(s, r))
  .join('\n')}
}
`;
  return composeWith(['../texel.wgsl'], import.meta.url, text);
}

function storeRow(s: LavapipeSpec & SumsSpec, r: number): string {
  const store = range(s.tokens).map((t) => {
    const at = `(firstToken + ${t}u) * p.rows + row${r}`;
    const sum = `o${r}_${t}${s.bias ? ` + bias[row${r}]` : ''}${s.residual ? ` + residual[${at}]` : ''}`;
    return `    if (firstToken + ${t}u < p.tokens) { y[${at}] = ${sum}; }`;
  });
  return `  let row${r} = p.firstRow + ${rowIndex(s, `${r}u`)};
  if (row${r} < p.rows) {
${store.join('\n')}
  }`;
}
