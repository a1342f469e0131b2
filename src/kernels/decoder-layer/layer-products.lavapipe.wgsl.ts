/** WGSL of the fused layer's four matrix products: items of 64 rows of the weights for a tile of tokens. */
import { rowsOf, texelLoader, type SumsSpec } from '../matmul/lane-sums.parts.wgsl.ts';
import { firstRow, laneSums, rowIndex } from '../matmul/lane-sums.wgsl.ts';
import { range } from '../unroll.ts';
import { products, type DecoderLayerKernelSpec, type ProductName } from './layer-spec.ts';

/** Their weights: bindings 0 … 3. */
export function weightBindings(): string {
  const each = products.map(
    (name, binding) => `@group(0) @binding(${binding}) var ${name}: texture_storage_2d<rgba32uint, read>;
${texelLoader(`${name}Texel`, name)}`,
  );
  return each.join('\n');
}

/** Items in which a row block is computed. */
export const partsOf = (s: DecoderLayerKernelSpec, name: ProductName) => s[name].unitsPerBlock / s.tile.units;

/** A function `NAMEItem`, which computes some units of a row block for a tile of tokens. Neighbours share the rows. */
export function productItem(s: DecoderLayerKernelSpec, name: ProductName, x: Input, y: Output): string {
  const parts = partsOf(s, name);
  return `fn ${name}Item(item: u32, tiles: u32, lane: u32) {
  let rows = item / tiles;
  let firstToken = item % tiles * ${s.tile.tokens}u;
  let block = rows / ${parts}u;
  let unit0 = rows % ${parts}u * ${s.tile.units}u;
${tileProduct(s, name, x, y)}
}`;
}

/** Expression for element `i` of a product's activations. */
type Input = (i: string) => string;
/** Where a product goes, by token and row. */
interface Output {
  readonly to: (token: string, row: string) => string;
  /** What is added to its sums and bias. */
  readonly residual?: (token: string, row: string) => string;
}

/** Needs `block`, `unit0`, `firstToken` and `lane` in scope. */
export function tileProduct(s: DecoderLayerKernelSpec, name: ProductName, x: Input, y: Output): string {
  const p = s[name];
  const cols = `${p.columns}u`;
  const colBlocks = `${Math.ceil(p.columns / 64)}u`;
  const sums: SumsSpec = { ...p, ...s.tile, ragged: false, texel: `${name}Texel`, x, cols, colBlocks };
  const more = `${p.bias ? ` + ${name}Bias[row]` : ''}${y.residual ? ` + ${y.residual('token', 'row')}` : ''}`;
  return [
    '  let zero = hiddenZero();',
    ...range(s.tile.tokens).map((t) => `  let token${t} = min(firstToken + ${t}u, p.tokens - 1u);`),
    laneSums(sums),
    p.loraParts ? adaptedStores(name, p.rows, sums, more, y) : stores(p.rows, sums, more, y),
  ].join('\n');
}

/** One store in the text, in a loop that is not unrolled (hiddenZero in between-products.lavapipe.wgsl). */
function stores(rows: number, sums: SumsSpec, more: string, { to }: Output): string {
  const all = range(rowsOf(sums)).flatMap((r) => range(sums.tokens).map((t) => `o${r}_${t}`));
  return `  var sums = array<f32, ${all.length}>(${all.join(', ')});
  for (var i = 0u; i < ${all.length}u + zero; i++) {
    let row = ${rowIndex(sums, `i / ${sums.tokens}u`)};
    let token = firstToken + i % ${sums.tokens}u;
    if (row < ${rows}u && token < p.tokens) { ${to('token', 'row')} = sums[i ^ zero]${more}; }
  }`;
}

/** The same with what adapters add last, to four rows a lane: 32 rows of one part (kernel-spec.ts), whose texels are loaded together. */
function adaptedStores(name: ProductName, rows: number, sums: SumsSpec, more: string, { to }: Output): string {
  const quad = (q: number, t: number) =>
    `vec4<f32>(${range(4)
      .map((r) => `o${4 * q + r}_${t}`)
      .join(', ')})`;
  const all = range(rowsOf(sums) / 4).flatMap((q) => range(sums.tokens).map((t) => quad(q, t)));
  const whole = `
    for (var r = 0u; r < 4u + zero; r++) {
      let row = first + r * 8u + lane;
      quad[r ^ zero] = quad[r ^ zero]${more};
    }`;
  return `  var sums = array<vec4<f32>, ${all.length}>(${all.join(', ')});
  for (var i = 0u; i < ${all.length}u + zero; i++) {
    let first = ${firstRow(sums, `i / ${sums.tokens}u * 4u`)};
    let token = firstToken + i % ${sums.tokens}u;
    if (first >= ${rows}u || token >= p.tokens) { continue; }
    var quad = sums[i ^ zero];${more && whole}
    quad = ${name}Expand(quad, token, first, lane);
    for (var r = 0u; r < 4u + zero; r++) {
      let row = first + r * 8u + lane;
      ${to('token', 'row')} = quad[r ^ zero];
    }
  }`;
}
