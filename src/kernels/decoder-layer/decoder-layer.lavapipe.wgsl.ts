/**
 * WGSL of a whole decoder layer for one token of each row on lavapipe, where a dispatch costs 30–100 µs of waking threads and a
 * layer op by op is ten of them. One dispatch instead, its work cut into items that lie behind one another in phases:
 *
 * ```
 * norm ─┊─ qkv ─┊─ rotary, store, attention, quantize ─┊─ o + x ─┊─ norm, quantize ─┊─ gate, up, silu·mul, quantize ─┊─ down + mid
 * token    rows     token and KV head                     rows      token              columns                           rows
 * ```
 *
 * (rows, columns: of 64, times a tile of tokens). Each workgroup of 8 lanes takes the next item until none is left, and
 * waits before the first item of a phase until those of the phase before are done. So nobody waits for a workgroup that has no
 * thread: one alone does everything, and any number may be dispatched.
 *
 * Atomic additions order the plain loads and stores around them here: the compiler takes them for full fences.
 * A generator because it is put together from those of the products (matmul/lane-sums.wgsl.ts) and of attention.
 */
import { composeWith } from '../../gpu/wgsl.ts';
import { attentionFunctions, decodeToken, f, type AttentionKernelSpec } from '../attention/attention.lavapipe.wgsl.ts';
import { range } from '../unroll.ts';
import { rowsOf, texelLoader, type SumsSpec } from '../matmul/lane-sums.parts.wgsl.ts';
import { laneSums, rowIndex } from '../matmul/lane-sums.wgsl.ts';

/** A product's weights: layout, and the form of its activations. */
export type LayerProduct = Pick<SumsSpec, 'format' | 'groupSize' | 'activation' | 'texelsPerUnit' | 'unitsPerBlock'> & {
  readonly rows: number;
  readonly columns: number;
};

export interface DecoderLayerKernelSpec {
  /** What an item of a product computes: units of a row block, and tokens. */
  readonly tile: { readonly units: number; readonly tokens: number };
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

/** Sections of the three scratch buffers, in elements a token. */
export function scratchLayout(s: DecoderLayerKernelSpec) {
  const { hidden, intermediate, attention } = s;
  const heads = attention.group * attention.kvHeads * attention.headDim;
  return {
    /** f32: [qkv | mid | gate and up] */
    mid: s.qkv.rows,
    gateUp: s.qkv.rows + hidden,
    floats: s.qkv.rows + hidden + 2 * intermediate,
    /** vec4<f32>: [normed | queries | attended] */
    queries: hidden / 4,
    attended: (hidden + heads) / 4,
    vectors: (hidden + 2 * heads) / 4,
    /** vec4<u32>, q8 (webgpu-context.ts): [attended | normed | silu·mul] */
    normed: heads / 8,
    activated: (heads + hidden) / 8,
    codes: (heads + hidden + intermediate) / 8,
  };
}

/** Items of each phase, of a product for each tile of tokens. */
function phaseItems(s: DecoderLayerKernelSpec) {
  const parts = s.o.unitsPerBlock / s.tile.units;
  return [
    { perToken: 1 },
    { perTile: Math.ceil(s.qkv.rows / 64) * parts },
    { perToken: s.attention.kvHeads },
    { perTile: Math.ceil(s.hidden / 64) * parts },
    { perToken: 1 },
    { perTile: s.intermediate / 64 },
    { perTile: Math.ceil(s.hidden / 64) * parts },
  ];
}

/** Items of a dispatch for so many tokens. */
export function itemCount(s: DecoderLayerKernelSpec, tokens: number): number {
  const tiles = Math.ceil(tokens / s.tile.tokens);
  return phaseItems(s).reduce((n, { perToken = 0, perTile = 0 }) => n + perToken * tokens + perTile * tiles, 0);
}

export function decoderLayerKernel(s: DecoderLayerKernelSpec): string {
  const bodies = [inputNorm, qkv, attention, outputProjection, midNorm, gateUp, down];
  const ends = phaseItems(s).map(({ perToken, perTile }, i) => {
    const items = perToken === undefined ? `${perTile}u * tiles` : `${perToken}u * p.tokens`;
    return `  let end${i} = ${i === 0 ? '' : `end${i - 1} + `}${items};`;
  });
  const phases = bodies.map((body, i) => {
    const first = i === 0 ? '0u' : `end${i - 1}`;
    return `if (ticket < end${i}) {
      let item = ticket - ${first};
      waitFor(${first}, lane);
${body(s)}
    }`;
  });
  // An item is the same in all lanes, which the compiler's analysis cannot see.
  const text = `diagnostic(off, subgroup_uniformity);
// Items taken and done by earlier dispatches, together.
struct Params { tokens: u32, taken: u32, done: u32, maxLength: u32 }
var<immediate> p: Params;
${declarations(s)}
${attentionFunctions(s.attention)}

/** Until the dispatch's first n items are done. */
fn waitFor(n: u32, lane: u32) {
  if (lane == 0u) {
    loop {
      if (bitcast<i32>(atomicAdd(&done, 0u) - (p.done + n)) >= 0) { break; }
    }
  }
}

${rotary(s)}

@compute @workgroup_size(8)
fn main(@builtin(subgroup_invocation_id) lane: u32) {
  let zero = p.tokens >> 31u;
  let tiles = (p.tokens + ${s.tile.tokens - 1}u) / ${s.tile.tokens}u;
${ends.join('\n')}
  loop {
    var ticket = 0u;
    if (lane == 0u) { ticket = atomicAdd(&taken, 1u) - p.taken; }
    ticket = subgroupBroadcastFirst(ticket);
    if (ticket >= end${bodies.length - 1}) { break; }
    ${phases.join(' else ')}
    if (lane == 0u) { atomicAdd(&done, 1u); }
  }
}
`;
  return composeWith(['../quantize/q8-block.lavapipe.wgsl', '../texel.wgsl'], import.meta.url, text);
}

/** `scale`: what RMSNorm multiplies the features from `row` on by. */
function rmsScale({ hidden, eps }: DecoderLayerKernelSpec, array: string): string {
  return `      var squares = 0.0;
      for (var i = lane; i < ${hidden}u; i += 8u) { squares += ${array}[row + i] * ${array}[row + i]; }
      let scale = 1.0 / sqrt(subgroupAdd(squares) / ${f(hidden)} + ${eps});`;
}

/** Features of token `item`, RMSNorm: f32. */
function inputNorm(s: DecoderLayerKernelSpec): string {
  const { hidden } = s;
  return `
      let row = item * ${hidden}u;
      if (lane == 0u) {
        slotTable[step[2u * p.tokens + item] * p.maxLength + step[p.tokens + item]] = step[3u * p.tokens + item];
      }
${rmsScale(s, 'x')}
      for (var i = lane; i < ${hidden / 4}u; i += 8u) {
        vectors[item * ${hidden / 4}u + i] = ${quad('x', `(row / 4u + i)`)} * scale * ${quad('inputNorm', 'i')};
      }`;
}

function qkv(s: DecoderLayerKernelSpec): string {
  return rowsItem(
    s,
    'qkv',
    (i) => `vectors[${i}]`,
    (o, token, row) => {
      const sum = s.qkvBias ? `${o} + qkvBias[${row}]` : o;
      return `floats[${token} * ${s.qkv.rows}u + ${row}] = ${sum};`;
    },
  );
}

function attention(s: DecoderLayerKernelSpec): string {
  const at = sections(s);
  const { group, headDim, kvHeads } = s.attention;
  const blocks = (group * headDim) / 64;
  return `
      let t = item / ${kvHeads}u;
      let kvHead = item % ${kvHeads}u;
      let position = step[p.tokens + t];
      let slots = step[2u * p.tokens + t] * p.maxLength;
      prepareHead(t, kvHead, position, step[3u * p.tokens + t], lane);
${decodeToken(
  s.attention,
  (i) => `vectors[${at.queries} + ${i}]`,
  (i) => `vectors[${at.attended} + ${i}]`,
)}
      for (var i = 0u; i < ${blocks}u; i++) {
        let block = (t * ${kvHeads}u + kvHead) * ${blocks}u + i;
        let start = ${at.attended} + block * 16u + lane;
        codes[block * 8u + lane] = q8Block(vectors[start], vectors[start + 8u], lane);
      }`;
}

function outputProjection(s: DecoderLayerKernelSpec): string {
  return rowsItem(
    s,
    'o',
    (i) => `codes[${i}]`,
    (o, token, row) => {
      const i = `${token} * ${s.hidden}u + ${row}`;
      return `floats[${sections(s).mid} + ${i}] = ${o} + x[${i}];`;
    },
  );
}

function midNorm(s: DecoderLayerKernelSpec): string {
  const at = sections(s);
  const { hidden } = s;
  return `
      let row = ${at.mid} + item * ${hidden}u;
${rmsScale(s, 'floats')}
      for (var block = 0u; block < ${hidden / 64}u; block++) {
        let i = block * 16u + lane;
        let a = ${quad('floats', 'row / 4u + i')} * scale * ${quad('postAttentionNorm', 'i')};
        let b = ${quad('floats', 'row / 4u + i + 8u')} * scale * ${quad('postAttentionNorm', 'i + 8u')};
        codes[${at.normed} + (item * ${hidden / 64}u + block) * 8u + lane] = q8Block(a, b, lane);
      }`;
}

/** 64 columns of gate and of up, then of their product, for a tile of tokens. */
function gateUp(s: DecoderLayerKernelSpec): string {
  const at = sections(s);
  const { intermediate } = s;
  const columns = intermediate / 64;
  const parts = s.gateUp.unitsPerBlock / s.tile.units;
  const product = tileProduct(
    s,
    'gateUp',
    (i) => `codes[${at.normed} + ${i}]`,
    (o, token, row) => `floats[${at.gateUp} + ${token} * ${2 * intermediate}u + ${row}] = ${o};`,
  );
  return `
      let column = item / tiles;
      let firstToken = item % tiles * ${s.tile.tokens}u;
      for (var part = 0u; part < ${2 * parts}u; part++) {
        let block = column + part / ${parts}u * ${columns}u;
        let unit0 = part % ${parts}u * ${s.tile.units}u;
${product}
      }
      for (var i = 0u; i < ${s.tile.tokens}u; i++) {
        let token = firstToken + i;
        if (token < p.tokens) {
          let gate = (${at.gateUp} + token * ${2 * intermediate}u) / 4u + column * 16u + lane;
          let up = gate + ${intermediate / 4}u;
          let a = siluMul(${quad('floats', 'gate')}, ${quad('floats', 'up')});
          let b = siluMul(${quad('floats', 'gate + 8u')}, ${quad('floats', 'up + 8u')});
          codes[${at.activated} + (token * ${columns}u + column) * 8u + lane] = q8Block(a, b, lane);
        }
      }`;
}

function down(s: DecoderLayerKernelSpec): string {
  const at = sections(s);
  return rowsItem(
    s,
    'down',
    (i) => `codes[${at.activated} + ${i}]`,
    (o, token, row) => {
      const i = `${token} * ${s.hidden}u + ${row}`;
      return `y[${i}] = ${o} + floats[${at.mid} + ${i}];`;
    },
  );
}

type Store = (sum: string, token: string, row: string) => string;

/** An item of a product: some units of a row block, for a tile of tokens. Neighbours share the rows. */
function rowsItem(s: DecoderLayerKernelSpec, name: keyof typeof textures, x: (i: string) => string, store: Store) {
  const parts = s[name].unitsPerBlock / s.tile.units;
  return `
      let rows = item / tiles;
      let firstToken = item % tiles * ${s.tile.tokens}u;
      let block = rows / ${parts}u;
      let unit0 = rows % ${parts}u * ${s.tile.units}u;
${tileProduct(s, name, x, store)}`;
}

/** Needs `block`, `unit0`, `firstToken`, `zero` and `lane` in scope. */
function tileProduct(s: DecoderLayerKernelSpec, name: keyof typeof textures, x: (i: string) => string, store: Store) {
  const p = s[name];
  const cols = `${p.columns}u`;
  const colBlocks = `${Math.ceil(p.columns / 64)}u`;
  const sums: SumsSpec = { ...p, ...s.tile, ragged: false, texel: `${name}Texel`, x, cols, colBlocks };
  const tokens = range(s.tile.tokens);
  const stores = range(rowsOf(sums)).map((r) => {
    const each = tokens.map((t) => `if (firstToken + ${t}u < p.tokens) { ${store(`o${r}_${t}`, `token${t}`, 'row')} }`);
    return `  { let row = ${rowIndex(sums, r)}; if (row < ${p.rows}u) { ${each.join(' ')} } }`;
  });
  return [
    ...tokens.map((t) => `  let token${t} = min(firstToken + ${t}u, p.tokens - 1u);`),
    laneSums(sums),
    ...stores,
  ].join('\n');
}

/** Where the sections of the scratch buffers begin, as WGSL. */
function sections(s: DecoderLayerKernelSpec) {
  const { mid, gateUp, queries, attended, normed, activated } = scratchLayout(s);
  const begin = (perToken: number) => `p.tokens * ${perToken}u`;
  return {
    mid: begin(mid),
    gateUp: begin(gateUp),
    queries: begin(queries),
    attended: begin(attended),
    normed: begin(normed),
    activated: begin(activated),
  };
}

/** The i-th four of an array of f32. */
const quad = (array: string, i: string) =>
  `vec4<f32>(${range(4)
    .map((c) => `${array}[4u * (${i}) + ${c}u]`)
    .join(', ')})`;

/** Bindings of the weights. */
const textures = { qkv: 0, o: 1, gateUp: 2, down: 3 } as const;

function declarations(s: DecoderLayerKernelSpec): string {
  const weights = Object.entries(textures).map(
    ([name, binding]) => `@group(0) @binding(${binding}) var ${name}: texture_storage_2d<rgba32uint, read>;
${texelLoader(`${name}Texel`, name)}`,
  );
  const { kvHeads, headDim } = s.attention;
  const buffers = [
    `read> x: array<f32>; // [T, H]`,
    `read> inputNorm: array<f32>; // [H]`,
    `read> postAttentionNorm: array<f32>; // [H]`,
    `read> table: array<f32>; // [maxLength, D]: cosines, then sines`,
    `read> step: array<u32>; // sections: step/step.ts`,
    `read_write> slotTable: array<u32>; // [maxRequests, maxLength]`,
    `read_write> keys: array<vec4<u32>>; // [slots, ${kvHeads}, ${headDim}]`,
    `read_write> values: array<vec4<u32>>; // [slots, ${kvHeads}, ${headDim}]`,
    `read_write> floats: array<f32>; // sections, T times: scratchLayout`,
    `read_write> vectors: array<vec4<f32>>;`,
    `read_write> codes: array<vec4<u32>>;`,
    `read_write> y: array<f32>; // [T, H]`,
    `read_write> taken: atomic<u32>;`,
    `read_write> done: atomic<u32>;`,
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

fn prepareHead(t: u32, kvHead: u32, position: u32, slot: u32, lane: u32) {
  let qkv = t * ${(heads + 2 * kvHeads) * (headDim / 4)}u;
  for (var i = lane; i < ${texels}u; i += 8u) {
    for (var h = kvHead * ${group}u; h < (kvHead + 1u) * ${group}u; h++) {
      let q = rotated(qkv + h * ${headDim / 4}u, i, position);
      let to = ${sections(s).queries} + (t * ${heads}u + h) * ${headDim / 4}u + 2u * i;
      vectors[to] = q.lo;
      vectors[to + 1u] = q.hi;
    }
    let to = (slot * ${kvHeads}u + kvHead) * ${texels}u + i;
    let k = rotated(qkv + (${heads}u + kvHead) * ${headDim / 4}u, i, position);
    ${put('keys', 'k')}
    let v = eight(qkv + (${heads + kvHeads}u + kvHead) * ${headDim / 4}u + 2u * i);
    ${put('values', 'v')}
  }
}`;
}
