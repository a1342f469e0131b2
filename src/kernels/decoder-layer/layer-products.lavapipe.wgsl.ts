/** WGSL of the fused layer's four matrix products: items of 64 rows of the weights for a tile of tokens. */
import { rowsOf, texelLoader, type SumsSpec } from '../matmul/lane-sums.parts.wgsl.ts';
import { laneSums, rowIndex } from '../matmul/lane-sums.wgsl.ts';
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

/**
 * A function `NAMEItem`, which computes some units of a row block for a tile of tokens. Neighbours share the rows.
 *
 * @param behind statements for when all sums are stored
 */
export function productItem(s: DecoderLayerKernelSpec, name: ProductName, x: Input, store: Store, behind = ''): string {
  const parts = partsOf(s, name);
  return `fn ${name}Item(item: u32, tiles: u32, lane: u32) {
  let rows = item / tiles;
  let firstToken = item % tiles * ${s.tile.tokens}u;
  let block = rows / ${parts}u;
  let unit0 = rows % ${parts}u * ${s.tile.units}u;
${tileProduct(s, name, x, store)}
${behind}}`;
}

/** Expression for element `i` of a product's activations. */
type Input = (i: string) => string;
/** Statement that stores a sum, the bias in it. */
type Store = (sum: string, token: string, row: string) => string;

/** Needs `block`, `unit0`, `firstToken` and `lane` in scope. */
export function tileProduct(s: DecoderLayerKernelSpec, name: ProductName, x: Input, store: Store): string {
  const p = s[name];
  const cols = `${p.columns}u`;
  const colBlocks = `${Math.ceil(p.columns / 64)}u`;
  const sums: SumsSpec = { ...p, ...s.tile, ragged: false, texel: `${name}Texel`, x, cols, colBlocks };
  const tokens = range(s.tile.tokens);
  const bias = p.bias ? ` + ${name}Bias[row]` : '';
  const rows = range(rowsOf(sums));
  const all = rows.flatMap((r) => tokens.map((t) => `o${r}_${t}`));
  // One store in the text, in a loop that is not unrolled (hiddenZero in between-products.lavapipe.wgsl).
  const stores = `  var sums = array<f32, ${all.length}>(${all.join(', ')});
  for (var i = 0u; i < ${all.length}u + zero; i++) {
    let row = ${rowIndex(sums, `i / ${s.tile.tokens}u`)};
    let token = firstToken + i % ${s.tile.tokens}u;
    if (row < ${p.rows}u && token < p.tokens) { ${store(`sums[i ^ zero]${bias}`, 'token', 'row')} }
  }`;
  return [
    '  let zero = hiddenZero();',
    ...tokens.map((t) => `  let token${t} = min(firstToken + ${t}u, p.tokens - 1u);`),
    laneSums(sums),
    stores,
  ].join('\n');
}
