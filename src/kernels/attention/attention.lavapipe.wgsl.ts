/**
 * WGSL of attention for lavapipe: 8 lanes, no workgroup memory, no barriers. Two shapes of the same online softmax:
 * - `decode`: lane = key. Each lane scores its own key against all G query heads of a KV head (or `groupPart` of them), so that
 *   a key is loaded once for the group; then lane = 8 dimensions of the values. One workgroup owns a token and a KV head.
 * - `prefill`: lane = query token of a tile, so that softmax needs no exchange between lanes; keys and values are
 *   loaded once for the tile and all G heads and handed round by broadcasts.
 * A token gets the same bits from both, so that neither its chunk nor its company shows in them: both take keys in
 * blocks of 4 that begin at multiples of 4 (a block that is not seen at all changes nothing), and in each block the
 * scores as sums of texels, each of 8 products from left to right, one new maximum, then l and o key by key. `decode`
 * has two blocks in its 8 lanes.
 * A generator because dimensions must be unrolled into registers. D and Dv are multiples of 8; a texel is 8 dimensions.
 * Loops, with ends that the compiler does not know, are what is done once a tile or token (reading queries, storing sums) and,
 * in `decode`, the two blocks of keys and each 64 dimensions of wider heads: each vec4 that 8 lanes load or store is a hundred
 * of the compiler's basic blocks (docs/kernels.md says what those cost).
 */
import { composeWith } from '../../gpu/wgsl.ts';
import { cacheFormat, unitDimensions } from '../kv-cache/cache-format.ts';
import type { KVDtype } from '../ops.ts';
import { range } from '../unroll.ts';
import { alibiSlopes } from './alibi.ts';

export interface AttentionKernelSpec {
  readonly mode: 'decode' | 'prefill';
  /** Query heads of one KV head. */
  readonly group: number;
  /** Those of them that a workgroup takes, a divisor; all unless given. */
  readonly groupPart?: number;
  readonly headDim: number;
  /** Of values, the first of each row of headDim; all unless given. */
  readonly valueDim?: number;
  readonly kvHeads: number;
  readonly dtype: KVDtype;
  readonly scale: number;
  readonly slidingWindow?: number;
  readonly softcap?: number;
  readonly alibi?: number;
  /** Whether a logit of each head's own joins the softmax: the running maximum and sum begin with it. */
  readonly hasSinks?: boolean;
}

export function attentionKernelName(s: AttentionKernelSpec): string {
  const { mode, group, headDim, kvHeads, dtype, scale } = s;
  const parts = [s.groupPart && `${s.groupPart}of`, s.valueDim && `${s.valueDim}in`].map((part) => part ?? '');
  const name = `attention.lavapipe.${mode}-${parts[0]}${group}x${parts[1]}${headDim}-${kvHeads}-${dtype}-${scale}`;
  const more = `${s.alibi === undefined ? '' : `-alibi${s.alibi}`}${s.hasSinks ? '-sinks' : ''}`;
  return `${name}-${s.slidingWindow ?? 'full'}-${s.softcap ?? 'nocap'}${more}`;
}

/** How many workgroups share the query heads of a KV head. */
const partsOf = (s: AttentionKernelSpec): number => s.group / (s.groupPart ?? s.group);

/** The first of a workgroup's query heads. */
const firstHead = (s: AttentionKernelSpec): string => (s.groupPart ? `wg.y * ${s.groupPart}u` : `kvHead * ${s.group}u`);

const valueTexels = (s: AttentionKernelSpec): number => (s.valueDim ?? s.headDim) / 8;

export function attentionKernel(s: AttentionKernelSpec): string {
  const texels = s.headDim / 8;
  const text = `enable subgroups;
// list: where the tiles (prefill) or tokens (decode) begin in step. tile: 0, or the most tokens of a tile where decode, too,
// gets tiles, a workgroup a token. queryQuads, valueQuads: vec4s of all heads' queries, of a head's values.
struct Params { tokens: u32, list: u32, maxLength: u32, tile: u32, queryQuads: u32, valueQuads: u32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>; // [T, Hq, D]
@group(0) @binding(1) var<storage, read> keys: array<Stored>; // [slots, ${s.kvHeads}, D]
@group(0) @binding(2) var<storage, read> values: array<Stored>; // [slots, ${s.kvHeads}, D]
@group(0) @binding(3) var<storage, read> step: array<u32>; // positions at T, rows at 2T
@group(0) @binding(4) var<storage, read> slotTable: array<u32>; // [maxRequests, maxLength]
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>; // [T, Hq, ${s.valueDim ? 'Dv' : 'D'}]
${s.hasSinks ? '@group(0) @binding(6) var<storage, read> sinks: array<f32>; // [Hq]\n' : ''}
${attentionFunctions(s)}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let kvHead = wg.y${s.groupPart ? ` / ${partsOf(s)}u` : ''};
${s.mode === 'decode' ? decodeBody(s) : prefillBody(s, texels)}
}
`;
  const { file, defines } = cacheFormat(s.dtype, s.headDim, 'read');
  return composeWith([`../kv-cache/${file}`], import.meta.url, text, defines);
}

/** What both bodies call, with the cache's format; keys and values are bound as `keys` and `values`, array<Stored>. */
export function attentionFunctions(s: AttentionKernelSpec): string {
  const slopes = s.alibi === undefined ? [] : alibiSlopes(s.group * s.kvHeads).map((slope) => slope * (s.alibi ?? 0));
  const declared = `const slopes = array<f32, ${slopes.length}>(${slopes.map(f).join(', ')}); // ALiBi's, a head each\n`;
  return `${slopes.length > 0 ? declared : ''}fn capped(score: f32) -> f32 {
  ${s.softcap ? `return ${f(s.softcap)} * tanh(clamp(score / ${f(s.softcap)}, -15.0, 15.0));` : 'return score;'}
}`;
}

/** Head h's running maximum and sum, as they are in front of the first key. */
function runningSoftmax(s: AttentionKernelSpec, h: number): string {
  if (!s.hasSinks) return `  var m${h} = -1e30; var l${h} = 0.0;`;
  return `  var m${h} = sinks[${firstHead(s)} + ${h}u]; var l${h} = 1.0;`;
}

/** A number as WGSL f32 literal. */
export const f = (x: number) => (Number.isInteger(x) ? `${x}.0` : `${x}`);

/** What ALiBi adds to the score of a key at `k` for head h of the group; `position - k` is not looked at where k is not seen. */
function alibiTerm(s: AttentionKernelSpec): (h: number, k: string) => string {
  if (s.alibi === undefined) return () => '';
  return (h, k) => ` - slopes[${firstHead(s)} + ${h}u] * f32(position - ${k})`;
}

/** First key that position may see. */
function firstKey(s: AttentionKernelSpec, position: string): string {
  return s.slidingWindow
    ? `select(0u, ${position} + 1u - ${s.slidingWindow}u, ${position} + 1u > ${s.slidingWindow}u)`
    : '0u';
}

/** The texel of a head at `row` that is a lane's own, or its last. */
function ownTexel(cache: 'keys' | 'values', row: string, i: number, texels: number): string {
  const texel = `min(${i * 8}u + lane, ${texels - 1}u)`;
  const part = cache.toUpperCase();
  return `loadedTexel(${part}, &${cache}, ${row}, ${texel}, unitScale(${part}, &${cache}, ${row}, 2u * ${texel}))`;
}

const component = (d: number) => `${d & 4 ? 'hi' : 'lo'}.${'xyzw'[d & 3]}`;

/** Keys between two updates of the running maximum. */
const BLOCK = 4;
/** Keys that `decode` scores at a time, one a lane. */
const LANES = 8;

function decodeBody(s: AttentionKernelSpec): string {
  return `  var t = 0u;
  if (p.tile == 0u) {
    t = step[p.list + wg.x];
  } else {
    let entry = p.list + 2u * (wg.x / p.tile);
    if (wg.x % p.tile >= step[entry + 1u]) { return; }
    t = step[entry] + wg.x % p.tile;
  }
  let position = step[p.tokens + t];
  let slots = step[2u * p.tokens + t] * p.maxLength;
${decodeToken(s)}`;
}

/** The h-th head of the workgroup, among those of all tokens. */
const headOf = (s: AttentionKernelSpec, h: number) => `(t * ${s.group * s.kvHeads}u + ${firstHead(s)} + ${h}u)`;

const query = (i: string) => `q[${i}]`;
const storeY = (i: string, v: string) => `y[${i}] = ${v};`;

/**
 * A loop over a lane's vec4s of so many heads of `texels` texels each: statement `run` for its i-th, which is vec4 `quad` of head
 * `head`. The compiler knows neither its end nor that `i` counts, by which it would unroll a loop over an array.
 */
function ownQuads(heads: number, texels: number, run: (i: string, head: string, quad: string) => string): string {
  const perHead = Math.ceil(texels / 8) * 2;
  return `  for (var turn = 0u; turn < ${heads * perHead}u + (p.tokens >> 31u); turn++) {
    let i = turn ^ (p.tokens >> 31u);
    let quad = i % ${perHead}u / 2u * 16u + 2u * lane + (i & 1u);
    ${run('i', `i / ${perHead}u`, 'quad')}
  }`;
}

/**
 * One token and KV head: `y[t, its heads] = softmax(q · k)·v`. Needs `t`, `position`, `slots` (where the row begins in the slot
 * table), `kvHead` and `lane` in scope, and the declarations of `attentionFunctions`.
 * @param q expression for the i-th vec4<f32> of the queries [T, Hq, D]
 * @param store statement that stores the i-th of the result, likewise
 */
export function decodeToken(s: AttentionKernelSpec, q = query, store = storeY): string {
  const texels = s.headDim / 8;
  const bias = alibiTerm(s);
  const heads = range(s.groupPart ?? s.group);
  const perLane = range(Math.ceil(texels / 8));
  // Texels of a group whose scale is loaded once; floats have none, and take theirs out of nothing.
  const group = unitDimensions(s.headDim) / 8;
  const valuesPerLane = range(Math.ceil(valueTexels(s) / 8));
  const out: string[] = [`  let first = ${firstKey(s, 'position')};`];
  // Queries: lane i loads texel i; every dimension is then broadcast once, for the whole loop over keys.
  out.push(
    `  var queries: array<vec4<f32>, ${heads.length * perLane.length * 2}>;`,
    ownQuads(heads.length, texels, (i, head, quad) => {
      const at = `(${headOf(s, 0)} + ${head}) * ${texels * 2}u + min(${quad}, ${texels * 2 - 2}u + (${quad} & 1u))`;
      return `queries[${i}] = ${q(at)} * ${f(s.scale)};`;
    }),
  );
  const broadcast = (h: number, d: number, block: string) => {
    const quad = `queries[${h * perLane.length * 2 + ((d >> 2) & 1)}u + 2u * ${block}]`;
    return `let q${h}d${d} = subgroupBroadcast(${quad}.${'xyzw'[d & 3]}, ${(d >> 3) & 7}u);`;
  };
  // Dimensions behind the last whole block, or all where there is but one.
  const blocks = texels >= 16 ? texels >> 3 : 0;
  const rest = range(texels).slice(blocks * 8);
  for (const h of heads) {
    for (const i of rest) for (const c of range(8)) out.push(`  ${broadcast(h, i * 8 + c, `${i >> 3}u`)}`);
    out.push(runningSoftmax(s, h));
    for (const i of valuesPerLane) out.push(`  var o${h}_${i}a = vec4<f32>(0.0); var o${h}_${i}b = vec4<f32>(0.0);`);
  }
  out.push(`  var k0 = first & ${0xffffffff - (LANES - 1)}u;`, '  loop {');
  out.push('    let k = k0 + lane;');
  out.push('    let slot = slotTable[slots + min(k, position)];');
  out.push(`    let at = headAt(KEYS, slot * ${s.kvHeads}u + kvHead);`);
  for (const h of heads) out.push(`    var s${h} = 0.0;`);
  const score = (i: number, before: string) => {
    const texel = `${before}${i}u`;
    if (i % group === 0) out.push(`    let g${i / group} = unitScale(KEYS, &keys, at, 2u * (${texel}));`);
    out.push('    {', `      let w = loadedTexel(KEYS, &keys, at, ${texel}, g${Math.floor(i / group)});`);
    for (const h of heads) {
      const terms = range(8).map((c) => `w.${component(c)} * q${h}d${i * 8 + c}`);
      out.push(`      s${h} += ${terms.join(' + ')};`);
    }
    out.push('    }');
  };
  if (blocks > 0) {
    out.push('    var turn = 0u;', '    loop {', '    let block = turn ^ (p.tokens >> 31u);');
    for (const i of range(8)) {
      for (const h of heads) for (const c of range(8)) out.push(`    ${broadcast(h, i * 8 + c, 'block')}`);
      score(i, '8u * block + ');
    }
    out.push(`    continuing { turn++; break if turn == ${blocks}u + (p.tokens >> 31u); }`, '    }');
  }
  for (const i of rest) score(i, '');
  out.push('    let seen = k <= position && k >= first;');
  for (const h of heads) {
    out.push(`    s${h} = select(-1e30, capped(s${h}${bias(h, 'k')}), seen);`);
    // The maximum behind each of the two blocks.
    out.push(`    let m${h}_0 = max(m${h}, subgroupMax(select(-1e30, s${h}, lane < ${BLOCK}u)));`);
    out.push(`    let m${h}_1 = max(m${h}_0, subgroupMax(s${h}));`);
    out.push(`    let p${h} = select(0.0, exp(s${h} - select(m${h}_1, m${h}_0, lane < ${BLOCK}u)), seen);`);
    out.push(`    let a${h}_0 = exp(m${h} - m${h}_0); let a${h}_1 = exp(m${h}_0 - m${h}_1); m${h} = m${h}_1;`);
  }
  // Wide heads take the two blocks of keys in a loop, the second block's lanes moved to those of the first.
  const isLoop = valuesPerLane.length > 1;
  const own = isLoop ? 'Own' : '';
  if (isLoop) {
    out.push('    var slotOwn = slot;', ...heads.map((h) => `    var p${h}Own = p${h}; var a${h}Own = a${h}_0;`));
    out.push('    var half = 0u;', '    loop {');
  }
  for (const key of range(isLoop ? BLOCK : LANES)) {
    if (key % BLOCK === 0) {
      for (const h of heads) {
        const a = isLoop ? `a${h}Own` : `a${h}_${key / BLOCK}`;
        out.push(`    l${h} *= ${a};`, ...valuesPerLane.map((i) => `    o${h}_${i}a *= ${a}; o${h}_${i}b *= ${a};`));
      }
    }
    out.push(
      '    {',
      `      let row = headAt(VALUES, subgroupBroadcast(slot${own}, ${key}u) * ${s.kvHeads}u + kvHead);`,
    );
    for (const h of heads) out.push(`      let b${h} = subgroupBroadcast(p${h}${own}, ${key}u); l${h} += b${h};`);
    for (const i of valuesPerLane) {
      out.push(`      let v${i} = ${ownTexel('values', 'row', i, valueTexels(s))};`);
      for (const h of heads) out.push(`      o${h}_${i}a += v${i}.lo * b${h}; o${h}_${i}b += v${i}.hi * b${h};`);
    }
    out.push('    }');
  }
  if (isLoop) {
    const next = heads.map((h) => `p${h}Own = subgroupShuffleXor(p${h}Own, ${BLOCK}u); a${h}Own = a${h}_1;`);
    out.push(
      '    continuing {',
      `      slotOwn = subgroupShuffleXor(slotOwn, ${BLOCK}u);`,
      ...next.map((line) => `      ${line}`),
    );
    out.push(`      half++; break if half == ${LANES / BLOCK}u + (p.tokens >> 31u);`, '    }', '    }');
  }
  out.push(`    continuing { k0 += ${LANES}u; break if k0 > position; }`, '  }');
  for (const h of heads) out.push(`  let r${h} = 1.0 / l${h};`);
  const results = heads.flatMap((h) => valuesPerLane.flatMap((i) => [`o${h}_${i}a * r${h}`, `o${h}_${i}b * r${h}`]));
  const valueQuads = valueTexels(s) * 2;
  out.push(
    `  var results = array<vec4<f32>, ${results.length}>(${results.join(', ')});`,
    ownQuads(heads.length, valueTexels(s), (i, head, quad) => {
      const to = `(${headOf(s, 0)} + ${head}) * ${valueQuads}u + ${quad}`;
      return `if (${quad} < ${valueQuads}u) { ${store(to, `results[${i}]`)} }`;
    }),
  );
  return out.join('\n');
}

function prefillBody(s: AttentionKernelSpec, texels: number): string {
  const bias = alibiTerm(s);
  const heads = range(s.groupPart ?? s.group);
  const keys = range(BLOCK);
  const perLane = range(Math.ceil(texels / 8));
  const valueQuads = valueTexels(s) * 2;
  const out: string[] = [
    '  let first = step[p.list + 2u * wg.x];',
    '  let count = step[p.list + 2u * wg.x + 1u];',
    '  let t = first + min(lane, count - 1u);',
    '  let position = step[p.tokens + t];',
    '  let last = step[p.tokens + first + count - 1u];',
    `  let slots = step[2u * p.tokens + first] * p.maxLength;`,
    '  let firstPosition = step[p.tokens + first];',
    `  let start = ${firstKey(s, 'firstPosition')} & ${0xffffffff - (BLOCK - 1)}u;`,
    `  let window = ${firstKey(s, 'position')};`,
  ];
  const queryAt = (h: number, i: number) => `queries[${h * texels * 2 + i}]`;
  const sumAt = (h: number, i: number) => `sums[${h * valueQuads + i}]`;
  out.push(
    `  var queries: array<vec4<f32>, ${heads.length * texels * 2}>;`,
    `  var sums: array<vec4<f32>, ${heads.length * valueQuads}>;`,
    `  let at = ${headOf(s, 0)} * ${texels * 2}u;`,
    `  for (var i = 0u; i < p.queryQuads; i++) { queries[i] = q[at + i] * ${f(s.scale)}; }`,
    ...heads.map((h) => runningSoftmax(s, h)),
  );
  out.push('  var k0 = start;', '  loop {');
  for (const key of keys) {
    out.push(`    let head${key} = slotTable[slots + min(k0 + ${key}u, last)] * ${s.kvHeads}u + kvHead;`);
    out.push(`    let key${key} = headAt(KEYS, head${key}); let value${key} = headAt(VALUES, head${key});`);
    for (const h of heads) out.push(`    var s${h}_${key} = 0.0;`);
    for (const i of perLane) {
      out.push(`    { let w = ${ownTexel('keys', `key${key}`, i, texels)};`);
      for (const texel of range(texels).filter((texel) => texel >> 3 === i)) {
        out.push('      {');
        for (const c of range(8)) {
          out.push(`        let b${c} = subgroupBroadcast(w.${component(c)}, ${texel & 7}u);`);
        }
        for (const h of heads) {
          const terms = range(8).map((c) => `b${c} * ${queryAt(h, texel * 2 + (c >> 2))}.${'xyzw'[c & 3]}`);
          out.push(`        s${h}_${key} += ${terms.join(' + ')};`);
        }
        out.push('      }');
      }
      out.push('    }');
    }
    out.push(`    let seen${key} = k0 + ${key}u <= position && k0 + ${key}u >= window;`);
  }
  for (const h of heads) {
    for (const key of keys)
      out.push(`    s${h}_${key} = select(-1e30, capped(s${h}_${key}${bias(h, `(k0 + ${key}u)`)}), seen${key});`);
    out.push(`    let m${h}new = ${keys.reduce((m, key) => `max(${m}, s${h}_${key})`, `m${h}`)};`);
    out.push(`    let a${h} = exp(m${h} - m${h}new); m${h} = m${h}new;`);
    for (const key of keys) out.push(`    let p${h}_${key} = select(0.0, exp(s${h}_${key} - m${h}new), seen${key});`);
    out.push(`    l${h} = l${h} * a${h} + ${keys.map((key) => `p${h}_${key}`).join(' + ')};`);
  }
  for (const i of range(Math.ceil(valueTexels(s) / 8))) {
    out.push('    {');
    for (const key of keys) out.push(`      let v${key} = ${ownTexel('values', `value${key}`, i, valueTexels(s))};`);
    for (const d4 of range(valueQuads).filter((d4) => d4 >> 4 === i)) {
      const part = d4 & 1 ? 'hi' : 'lo';
      out.push('      {');
      for (const key of keys) out.push(`        let b${key} = subgroupBroadcast(v${key}.${part}, ${(d4 >> 1) & 7}u);`);
      for (const h of heads) {
        const sum = keys.map((key) => `b${key} * p${h}_${key}`).join(' + ');
        out.push(`        ${sumAt(h, d4)} = ${sumAt(h, d4)} * a${h} + ${sum};`);
      }
      out.push('      }');
    }
    out.push('    }');
  }
  out.push(`    continuing { k0 += ${BLOCK}u; break if k0 > last; }`, '  }', '  if (lane < count) {');
  out.push(`    let to = ${headOf(s, 0)} * ${valueQuads}u;`);
  for (const h of heads) {
    const at = h * valueQuads;
    out.push(`    let r${h} = 1.0 / l${h};`);
    out.push(`    for (var i = 0u; i < p.valueQuads; i++) { y[to + ${at}u + i] = sums[${at}u + i] * r${h}; }`);
  }
  return [...out, '  }'].join('\n');
}
