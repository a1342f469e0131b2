/**
 * WGSL of a whole decoder layer for one token of each row on lavapipe, where a dispatch costs 30–60 µs of waking threads and a
 * layer op by op is ten of them. One dispatch instead, its work cut into items that lie behind one another in phases:
 *
 * ```
 * norm ─┊─ qkv ─┊─ norms, rotary, store, attention, quantize ─┊─ o + x ─┊─ norm, quantize ─┊─ gate, up, gated, quantize ─┊─ down + mid
 * token    rows     token and KV head                            rows      token              columns                        rows
 * ```
 *
 * In steps with adapters A's product of each input is a phase of its own in front of the product that it goes with, and B's
 * is added to the sums in front of their stores (layer-adapters.lavapipe.wgsl.ts).
 *
 * (rows, columns: of 64, times a tile of tokens). Each workgroup of 8 lanes takes the next item until none is left, and
 * waits before the first item of a phase until those of the phase before are done. So nobody waits for a workgroup that has no
 * thread: one alone does everything, and any number may be dispatched.
 *
 * Atomic additions order the plain loads and stores around them here: the compiler takes them for full fences.
 * The formulas are the ops' own WGSL (between-products.lavapipe.wgsl). A generator because the products
 * (matmul/lane-sums.wgsl.ts) and attention have one.
 */
import { composeWith, type Defines } from '../../gpu/wgsl.ts';
import { attentionFunctions, decodeToken } from '../attention/attention.lavapipe.wgsl.ts';
import { cacheFormat } from '../kv-cache/cache-format.ts';
import { adapterFile, adapterFunctions, isAdapted } from './layer-adapters.lavapipe.wgsl.ts';
import { partsOf, productItem, tileProduct, weightBindings } from './layer-products.lavapipe.wgsl.ts';
import { products, scratchLayout, type DecoderLayerKernelSpec, type ProductName } from './layer-spec.ts';

interface Phase {
  /** Items of the phase: so many a token, a tile of tokens, or a token and pair of groups of ranks. */
  readonly count: number;
  readonly each: 'token' | 'tile' | 'rankPair';
  /** Statement that does item `item`. */
  readonly run: string;
}

function phases(s: DecoderLayerKernelSpec): Phase[] {
  const rowItems = (name: 'qkv' | 'o' | 'down') => ({
    count: Math.ceil(s[name].rows / 64) * partsOf(s, name),
    each: 'tile' as const,
    run: `${name}Item(item, tiles, lane);`,
  });
  const shrinkItems = (name: ProductName): Phase[] => {
    const { loraParts } = s[name];
    return loraParts ? [{ count: loraParts.length, each: 'rankPair', run: `${name}Shrink(item, lane);` }] : [];
  };
  return [
    { count: 1, each: 'token', run: 'inputItem(item, lane);' },
    ...shrinkItems('qkv'),
    rowItems('qkv'),
    { count: s.attention.kvHeads, each: 'token', run: 'attentionItem(item, lane);' },
    ...shrinkItems('o'),
    rowItems('o'),
    { count: 1, each: 'token', run: 'normMid(item, lane);' },
    ...shrinkItems('gateUp'),
    { count: s.intermediate / 64, each: 'tile', run: 'gateUpItem(item, tiles, lane);' },
    ...shrinkItems('down'),
    rowItems('down'),
  ];
}

/** Items of a dispatch for so many tokens, and adapters of so many pairs of groups of ranks at most. */
export function itemCount(s: DecoderLayerKernelSpec, tokens: number, rankPairs: number): number {
  const times = { token: tokens, tile: Math.ceil(tokens / s.tile.tokens), rankPair: tokens * rankPairs };
  return phases(s).reduce((n, { count, each }) => n + count * times[each], 0);
}

export function decoderLayerKernel(s: DecoderLayerKernelSpec): string {
  const all = phases(s);
  const times = { token: 'p.tokens', tile: 'tiles', rankPair: 'p.tokens * p.rankPairs' };
  const ends = all.map(
    ({ count, each }, i) => `  let end${i} = ${i === 0 ? '' : `end${i - 1} + `}${count}u * ${times[each]};`,
  );
  const begins = all.slice(1).map((_, i) => `    first = select(first, end${i}, ticket >= end${i});`);
  const runs = all.map(({ run }, i) => {
    const first = i === 0 ? '0u' : `end${i - 1}`;
    return `if (ticket < end${i}) {
      let item = ticket - ${first};
      ${run}
    }`;
  });
  const text = `
${weightBindings()}
${optionalBindings(s)}
${attentionFunctions(s.attention)}

${adapterFunctions(s, products.length + storageBuffers(s))}${[inputItem, qkvItem, attentionItem, oItem, gateUpItem, downItem].map((item) => item(s)).join('\n\n')}

@compute @workgroup_size(8)
fn main(@builtin(subgroup_invocation_id) lane: u32) {
  let tiles = (p.tokens + ${s.tile.tokens - 1}u) / ${s.tile.tokens}u;
${ends.join('\n')}
  loop {
    let ticket = takeItem(lane);
    if (ticket >= end${all.length - 1}) { break; }
    var first = 0u;
${begins.join('\n')}
    waitFor(first, lane);
    ${runs.join(' else ')}
    finishItem(lane);
  }
}
`;
  const files = ['item-queue.lavapipe.wgsl', 'between-products.lavapipe.wgsl'];
  if (s.headNorms) files.push('head-norms.lavapipe.wgsl');
  files.push(...(isAdapted(s) ? [adapterFile] : []), '../texel.wgsl');
  return composeWith(files, import.meta.url, text, defines(s));
}

function defines(s: DecoderLayerKernelSpec): Defines {
  const { group, headDim, kvHeads, dtype } = s.attention;
  const at = scratchLayout(s);
  const { file, defines } = cacheFormat(dtype, headDim, 'read_write');
  return {
    ...{ ...defines, 'cache.f32.wgsl': file },
    ...(isAdapted(s) && { 'layer-params.lavapipe.wgsl': 'layer-params.lora.lavapipe.wgsl', RANKS: at.texels, KEPT: 1 }),
    ...{ HIDDEN: s.hidden, INTERMEDIATE: s.intermediate, EPS: s.eps },
    ...{ KV_HEADS: kvHeads, GROUP: group, ROTARY_DIM: s.rotaryDim },
    ...{ MID: at.mid, GATE_UP: at.gateUp, ATTENDED: at.attended },
    ...{ ATTENDED_Q8: at.attendedQ8, NORMED_Q8: at.normedQ8, ACTIVATED_Q8: at.activatedQ8, INPUT_Q12: at.inputQ12 },
  };
}

/** Storage buffers that every layer binds, behind four textures. */
const FIXED_BUFFERS = 12;

/** Vectors that only some layers have: the launcher binds those that are there in this order. */
function optionalVectors(s: DecoderLayerKernelSpec): string[] {
  const biases = products.filter((name) => s[name].bias).map((name) => `${name}Bias`);
  return s.headNorms ? [...biases, 'queryNorm', 'keyNorm'] : biases;
}

/** How many storage buffers the kernel binds: devices have 8 to 16. */
export const storageBuffers = (s: DecoderLayerKernelSpec): number => FIXED_BUFFERS + optionalVectors(s).length;

function optionalBindings(s: DecoderLayerKernelSpec): string {
  const first = products.length + FIXED_BUFFERS;
  const bindings = optionalVectors(s).map(
    (name, i) => `@group(0) @binding(${first + i}) var<storage, read> ${name}: array<f32>;`,
  );
  return bindings.join('\n');
}

const inputItem = () => `fn inputItem(token: u32, lane: u32) {
  if (lane == 0u) { storeSlot(token); }
  normInput(token, lane);
}`;

const qkvItem = (s: DecoderLayerKernelSpec) =>
  productItem(s, 'qkv', (i) => `texels[p.tokens * INPUT_Q12 + ${i}]`, {
    to: (token, row) => `floats[${token} * ${s.qkv.rows}u + ${row}]`,
  });

function attentionItem(s: DecoderLayerKernelSpec): string {
  // Attention counts quads of [T, Hq, D]; in floats a token has keys and values behind its queries.
  const query = (i: string) => `floatQuad(${i} + t * ${(2 * s.attention.kvHeads * s.attention.headDim) / 4}u)`;
  const store = (i: string, v: string) => `texels[p.tokens * ATTENDED + ${i}] = bitcast<vec4<u32>>(${v});`;
  return `fn attentionItem(item: u32, lane: u32) {
  let t = item / KV_HEADS;
  let kvHead = item % KV_HEADS;
  let position = step[p.tokens + t];
  let slots = step[2u * p.tokens + t] * p.maxLength;
${s.headNorms ? '  normHeads(t, kvHead, lane);\n' : ''}  rotateHeads(t, kvHead, position, lane);
  storeHead(t, kvHead, lane);
${decodeToken(s.attention, query, store)}
  quantizeAttended(t, kvHead, lane);
}`;
}

const oItem = (s: DecoderLayerKernelSpec) =>
  productItem(s, 'o', (i) => `texels[p.tokens * ATTENDED_Q8 + ${i}]`, {
    to: (token, row) => `floats[p.tokens * MID + ${token} * HIDDEN + ${row}]`,
    residual: (token, row) => `x[${token} * HIDDEN + ${row}]`,
  });

/** 64 columns of gate and of up, then of activation(gate) · up, for a tile of tokens. */
function gateUpItem(s: DecoderLayerKernelSpec): string {
  const parts = partsOf(s, 'gateUp');
  const product = tileProduct(s, 'gateUp', (i) => `texels[p.tokens * NORMED_Q8 + ${i}]`, {
    to: (token, row) => `floats[p.tokens * GATE_UP + ${token} * ${s.gateUp.rows}u + ${row}]`,
  });
  return `fn gateUpItem(item: u32, tiles: u32, lane: u32) {
  let column = item / tiles;
  let firstToken = item % tiles * ${s.tile.tokens}u;
  for (var part = 0u; part < ${2 * parts}u; part++) {
    let block = column + part / ${parts}u * ${s.intermediate / 64}u;
    let unit0 = part % ${parts}u * ${s.tile.units}u;
${product}
  }
  for (var i = 0u; i < ${s.tile.tokens}u + hiddenZero(); i++) {
    if (firstToken + i < p.tokens) { gateColumns(firstToken + i, column, lane); }
  }
}`;
}

const downItem = (s: DecoderLayerKernelSpec) =>
  productItem(s, 'down', (i) => `texels[p.tokens * ACTIVATED_Q8 + ${i}]`, {
    to: (token, row) => `y[${token} * HIDDEN + ${row}]`,
    residual: (token, row) => `floats[p.tokens * MID + ${token} * HIDDEN + ${row}]`,
  });
