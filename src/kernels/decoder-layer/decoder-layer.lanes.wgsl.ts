/**
 * WGSL of a whole decoder layer for one token on lavapipe, where a dispatch costs 30–60 µs of waking threads and a
 * layer op by op is ten of them. One dispatch instead: each of its few workgroups of 8 lanes is a thread's share
 * of the layer. Between the phases they wait for each other at a counter, four times:
 *
 * ```
 * norm (each for itself) → its rows of qkv ─┊─ its KV heads: rotary, store, attention, quantize ─┊─ its rows of o + x
 *   ─┊─ norm and quantize (each for itself) → its columns of gate and up, silu·mul, quantize ─┊─ its rows of down + mid
 * ```
 *
 * Atomic additions order the plain loads and stores around them here: the compiler takes them for full fences.
 * A generator because it is put together from those of the products (matmul/lane-sums.wgsl.ts) and of attention.
 */
import { attentionFunctions, decodeToken, f, type AttentionKernelSpec } from '../attention/attention.lanes.wgsl.ts';
import { laneSums, range, rowIndex, rowsOf, texelLoader, type SumsSpec } from '../matmul/lane-sums.wgsl.ts';

/** A product's weights: layout, and where its activations are. */
export type LayerProduct = Pick<SumsSpec, 'format' | 'groupSize' | 'activation' | 'texelsPerUnit' | 'unitsPerBlock'> & {
  readonly rows: number;
  readonly columns: number;
};

export interface DecoderLayerKernelSpec {
  /** The most that may share the layer: each has scratch of its own. */
  readonly mostWorkgroups: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly eps: number;
  readonly qkvBias: boolean;
  readonly qkv: LayerProduct;
  readonly o: LayerProduct;
  readonly gateUp: LayerProduct;
  readonly down: LayerProduct;
  readonly attention: AttentionKernelSpec;
}

/** Sections of the three scratch buffers, in elements. */
export function scratchLayout(s: DecoderLayerKernelSpec) {
  const { hidden, intermediate, mostWorkgroups, attention } = s;
  const heads = attention.group * attention.kvHeads * attention.headDim;
  return {
    /** f32: [qkv | mid | gate and up] */
    mid: s.qkv.rows,
    gateUp: s.qkv.rows + hidden,
    floats: s.qkv.rows + hidden + 2 * intermediate,
    /** vec4<f32>: [normed of each workgroup | queries | attended] */
    queries: (mostWorkgroups * hidden) / 4,
    attended: (mostWorkgroups * hidden + heads) / 4,
    vectors: (mostWorkgroups * hidden + 2 * heads) / 4,
    /** vec4<u32>, q8 (webgpu-context.ts): [attended | normed of each workgroup | silu·mul] */
    normed: heads / 8,
    activated: (heads + mostWorkgroups * hidden) / 8,
    codes: (heads + mostWorkgroups * hidden + intermediate) / 8,
  };
}

export function decoderLayerKernel(s: DecoderLayerKernelSpec): string {
  const at = scratchLayout(s);
  const { hidden, intermediate } = s;
  const { headDim, kvHeads, maxLength } = s.attention;
  const share = (n: number) => `share(wg.x, ${n}u); block < share(wg.x + 1u, ${n}u); block++`;
  const store =
    (to: (row: string) => string, sum: (o: string, row: string) => string) => (product: SumsSpec & LayerProduct) =>
      range(rowsOf(product)).map((r) => {
        const row = `(${rowIndex(product, r)})`;
        return `    if (${row} < ${product.rows}u) { ${to(row)} = ${sum(`o${r}_0`, row)}; }`;
      });
  const product = (name: keyof typeof textures, x: (i: string) => string, stored: ReturnType<typeof store>) => {
    const p = sums(s[name], `${name}Texel`, x);
    return [laneSums(p), ...stored(p)].join('\n');
  };
  return `
// How many workgroups share the layer, and how often those of earlier dispatches have arrived, together.
struct Params { workgroups: u32, arrivals: u32 }
var<immediate> p: Params;
${declarations(s)}
${attentionFunctions(s.attention)}

/** Where a workgroup's part of n things begins. */
fn share(workgroup: u32, n: u32) -> u32 { return workgroup * n / p.workgroups; }

/** Waits until every workgroup has arrived for the k-th time. */
fn meet(k: u32, lane: u32) {
  if (p.workgroups > 1u && lane == 0u) {
    atomicAdd(&arrived, 1u);
    while (bitcast<i32>(atomicAdd(&arrived, 0u) - (p.arrivals + k * p.workgroups)) < 0) {}
  }
}

${rotary(s)}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  const token0 = 0u;
  const unit0 = 0u;
  const t = 0u;
  let position = step[1];
  let slots = step[2] * ${maxLength}u;
  let slot = step[3];
  if (wg.x == 0u && lane == 0u) { slotTable[slots + position] = slot; }

  var squares = 0.0;
  for (var i = lane; i < ${hidden}u; i += 8u) { squares += x[i] * x[i]; }
  let inputScale = 1.0 / sqrt(subgroupAdd(squares) / ${f(hidden)} + ${s.eps});
  for (var i = lane; i < ${hidden / 4}u; i += 8u) {
    vectors[wg.x * ${hidden / 4}u + i] = ${quad('x', 'i')} * inputScale * ${quad('inputNorm', 'i')};
  }
  for (var block = ${share(Math.ceil(s.qkv.rows / 64))}) {
${product(
  'qkv',
  (i) => `vectors[wg.x * ${hidden / 4}u + ${i}]`,
  store(
    (row) => `floats[${row}]`,
    (o, row) => (s.qkvBias ? `${o} + qkvBias[${row}]` : o),
  ),
)}
  }
  meet(1u, lane);

  for (var kvHead = share(wg.x, ${kvHeads}u); kvHead < share(wg.x + 1u, ${kvHeads}u); kvHead++) {
    prepareHead(kvHead, position, slot, lane);
${decodeToken(
  s.attention,
  (i) => `vectors[${at.queries}u + ${i}]`,
  (i) => `vectors[${at.attended}u + ${i}]`,
)}
    for (var i = 0u; i < ${(s.attention.group * headDim) / 64}u; i++) {
      let block = kvHead * ${(s.attention.group * headDim) / 64}u + i;
      let start = ${at.attended}u + block * 16u + lane;
      codes[block * 8u + lane] = q8Block(vectors[start], vectors[start + 8u], lane);
    }
  }
  meet(2u, lane);

  for (var block = ${share(Math.ceil(hidden / 64))}) {
${product(
  'o',
  (i) => `codes[${i}]`,
  store(
    (row) => `floats[${at.mid}u + ${row}]`,
    (o, row) => `${o} + x[${row}]`,
  ),
)}
  }
  meet(3u, lane);

  squares = 0.0;
  for (var i = lane; i < ${hidden}u; i += 8u) { squares += floats[${at.mid}u + i] * floats[${at.mid}u + i]; }
  let midScale = 1.0 / sqrt(subgroupAdd(squares) / ${f(hidden)} + ${s.eps});
  for (var block = 0u; block < ${hidden / 64}u; block++) {
    let i = block * 16u + lane;
    let a = ${quad('floats', `${at.mid / 4}u + i`)} * midScale * ${quad('postAttentionNorm', 'i')};
    let b = ${quad('floats', `${at.mid / 4}u + i + 8u`)} * midScale * ${quad('postAttentionNorm', 'i + 8u')};
    codes[${at.normed}u + (wg.x * ${hidden / 64}u + block) * 8u + lane] = q8Block(a, b, lane);
  }
  for (var column = share(wg.x, ${intermediate / 64}u); column < share(wg.x + 1u, ${intermediate / 64}u); column++) {
    for (var half = 0u; half < 2u; half++) {
      let block = column + half * ${intermediate / 64}u;
${product(
  'gateUp',
  (i) => `codes[${at.normed}u + wg.x * ${hidden / 8}u + ${i}]`,
  store(
    (row) => `floats[${at.gateUp}u + ${row}]`,
    (o) => o,
  ),
)}
    }
    let i = ${at.gateUp / 4}u + column * 16u + lane;
    let a = siluMul(${quad('floats', 'i')}, ${quad('floats', `i + ${intermediate / 4}u`)});
    let b = siluMul(${quad('floats', 'i + 8u')}, ${quad('floats', `i + ${intermediate / 4 + 8}u`)});
    codes[${at.activated}u + column * 8u + lane] = q8Block(a, b, lane);
  }
  meet(4u, lane);

  for (var block = ${share(Math.ceil(hidden / 64))}) {
${product(
  'down',
  (i) => `codes[${at.activated}u + ${i}]`,
  store(
    (row) => `y[${row}]`,
    (o, row) => `${o} + floats[${at.mid}u + ${row}]`,
  ),
)}
  }
}
`;
}

/** The i-th four of an array of f32. */
const quad = (array: string, i: string) =>
  `vec4<f32>(${range(4)
    .map((c) => `${array}[4u * (${i}) + ${c}u]`)
    .join(', ')})`;

/** Bindings of the weights. */
const textures = { qkv: 0, o: 1, gateUp: 2, down: 3 } as const;

function sums(p: LayerProduct, texel: string, x: (i: string) => string): SumsSpec & LayerProduct {
  const colBlocks = `${Math.ceil(p.columns / 64)}u`;
  return { ...p, ragged: false, units: p.unitsPerBlock, tokens: 1, texel, x, cols: `${p.columns}u`, colBlocks };
}

function declarations(s: DecoderLayerKernelSpec): string {
  const weights = Object.entries(textures).map(
    ([name, binding]) => `@group(0) @binding(${binding}) var ${name}: texture_storage_2d<rgba32uint, read>;
${texelLoader(`${name}Texel`, name)}`,
  );
  const { kvHeads, maxLength, headDim } = s.attention;
  const buffers = [
    `read> x: array<f32>; // [H]`,
    `read> inputNorm: array<f32>; // [H]`,
    `read> postAttentionNorm: array<f32>; // [H]`,
    `read> table: array<f32>; // [${maxLength}, D]: cosines, then sines`,
    `read> step: array<u32>; // token id, position, row, slot`,
    `read_write> slotTable: array<u32>; // [maxRequests, ${maxLength}]`,
    `read_write> keys: array<vec4<u32>>; // [slots, ${kvHeads}, ${headDim}]`,
    `read_write> values: array<vec4<u32>>; // [slots, ${kvHeads}, ${headDim}]`,
    `read_write> floats: array<f32>; // sections: scratchLayout`,
    `read_write> vectors: array<vec4<f32>>;`,
    `read_write> codes: array<vec4<u32>>;`,
    `read_write> y: array<f32>; // [H]`,
    `read_write> arrived: atomic<u32>;`,
    ...(s.qkvBias ? ['read> qkvBias: array<f32>; // [(Hq + 2·Hkv)·D]'] : []),
  ];
  return [...weights, ...buffers.map((text, i) => `@group(0) @binding(${4 + i}) var<storage, ${text}`)].join('\n');
}

/** Rotates a KV head's queries and key, puts key and value into their slot. Pairs are (i, i + D/2). */
function rotary(s: DecoderLayerKernelSpec): string {
  const { group, headDim, kvHeads, dtype } = s.attention;
  const heads = group * kvHeads;
  const texels = headDim / 8;
  const halves = ['lo.xy', 'lo.zw', 'hi.xy', 'hi.zw'];
  const put = (array: string, v: string) =>
    dtype === 'f32'
      ? `${array}[2u * to] = bitcast<vec4<u32>>(${v}.lo); ${array}[2u * to + 1u] = bitcast<vec4<u32>>(${v}.hi);`
      : `${array}[to] = vec4<u32>(${halves.map((half) => `pack2x16float(${v}.${half})`).join(', ')});`;
  return `fn siluMul(gate: vec4<f32>, up: vec4<f32>) -> vec4<f32> { return gate / (1.0 + exp(-gate)) * up; }

fn eight(i: u32) -> Texel { return Texel(${quad('floats', 'i')}, ${quad('floats', 'i + 1u')}); }

/** Dimensions 8·i … 8·i + 7 of a head that begins at floats[4 · head]. */
fn rotated(head: u32, i: u32, position: u32) -> Texel {
  let pair = i % ${texels / 2}u;
  let a = eight(head + 2u * pair);
  let b = eight(head + 2u * pair + ${headDim / 8}u);
  let row = position * ${headDim / 4}u + 2u * pair;
  let c = Texel(${quad('table', 'row')}, ${quad('table', 'row + 1u')});
  let s = Texel(${quad('table', `row + ${headDim / 8}u`)}, ${quad('table', `row + ${headDim / 8 + 1}u`)});
  if (i < ${texels / 2}u) { return Texel(a.lo * c.lo - b.lo * s.lo, a.hi * c.hi - b.hi * s.hi); }
  return Texel(b.lo * c.lo + a.lo * s.lo, b.hi * c.hi + a.hi * s.hi);
}

fn prepareHead(kvHead: u32, position: u32, slot: u32, lane: u32) {
  for (var i = lane; i < ${texels}u; i += 8u) {
    for (var h = kvHead * ${group}u; h < (kvHead + 1u) * ${group}u; h++) {
      let q = rotated(h * ${headDim / 4}u, i, position);
      let to = ${scratchLayout(s).queries}u + h * ${headDim / 4}u + 2u * i;
      vectors[to] = q.lo;
      vectors[to + 1u] = q.hi;
    }
    let to = (slot * ${kvHeads}u + kvHead) * ${texels}u + i;
    let k = rotated((${heads}u + kvHead) * ${headDim / 4}u, i, position);
    ${put('keys', 'k')}
    let v = eight((${heads + kvHeads}u + kvHead) * ${headDim / 4}u + 2u * i);
    ${put('values', 'v')}
  }
}`;
}
