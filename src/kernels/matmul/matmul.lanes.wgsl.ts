/**
 * WGSL of the lane-per-row matrix product for lavapipe (layout: lane-layout.ts). A generator and not a .wgsl file
 * because its speed is the unrolling: 64 columns straight-line, only blocks in a loop (each turn of a loop costs mask code and blends
 * per live variable). One workgroup is one subgroup of 8 lanes; it owns `units` units of a row block and `tokens` tokens.
 * Activations are loaded once per lane and handed round by constant-lane broadcasts, which compile to shuffles.
 *
 * int4 × int8 is SWAR: one 32-bit multiply adds the products of two rows, their sums in the lower and upper
 * half word. 16 products of |q·x| ≤ 15·127 fit 16 bits, then both halves are moved to full accumulators.
 */
import type { WeightFormat } from '../../tensor/matrix.ts';

export interface LanesSpec {
  readonly format: WeightFormat;
  readonly groupSize: number;
  /** 'q8' needs an integer format. */
  readonly activation: 'f32' | 'q8';
  /** f32 activations whose rows are not a multiple of 64 columns are loaded one by one with a bound check. */
  readonly ragged: boolean;
  /** Units per workgroup, a divisor of the layout's units per row block. */
  readonly units: number;
  /** Tokens per workgroup. */
  readonly tokens: number;
  readonly texelsPerUnit: number;
  readonly unitsPerBlock: number;
  readonly bias: boolean;
  readonly residual: boolean;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export function lanesKernelName(s: LanesSpec): string {
  const extras = [s.ragged && 'ragged', s.bias && 'bias', s.residual && 'residual'].filter(Boolean).join('-');
  return `matmul.lanes.${s.format}-${s.groupSize}-${s.activation}-${s.units}x${s.tokens}${extras && `-${extras}`}`;
}

export function lanesKernel(s: LanesSpec): string {
  const paired = s.format === 'int4' || s.format === 'int8';
  const rows = range(s.units * (paired ? 2 : 1));
  const tokens = range(s.tokens);
  let binding = 3;
  return `enable subgroups;
struct Params { tokens: u32, rows: u32, cols: u32, colBlocks: u32, firstRow: u32 }
var<immediate> p: Params;
@group(0) @binding(0) var w: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(1) var<storage, read> x: array<${s.activation === 'q8' ? 'vec4<u32>' : s.ragged ? 'f32' : 'vec4<f32>'}>; // [T, K]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, N]
${s.bias ? `@group(0) @binding(${binding++}) var<storage, read> bias: array<f32>; // [N]` : ''}
${s.residual ? `@group(0) @binding(${binding++}) var<storage, read> residual: array<f32>; // [T, N]` : ''}

fn texel(i: u32) -> vec4<u32> { return textureLoad(w, vec2<u32>(i & 1023u, i >> 10u)); }

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let firstToken = wg.x * ${s.tokens}u;
  let block = wg.y / ${s.unitsPerBlock / s.units}u;
  let unit0 = (wg.y % ${s.unitsPerBlock / s.units}u) * ${s.units}u;
  var at = (block * p.colBlocks * ${s.unitsPerBlock}u + unit0) * ${s.texelsPerUnit * 8}u + lane;
${tokens.map((t) => `  let token${t} = min(firstToken + ${t}u, p.tokens - 1u);`).join('\n')}
${rows.map((r) => tokens.map((t) => `  var o${r}_${t} = 0.0;`).join('')).join('\n')}
  for (var kb = 0u; kb < p.colBlocks; kb++) {
${columnBlock(s)}
    at += ${s.unitsPerBlock * s.texelsPerUnit * 8}u;
  }
${rows.map((r) => storeRow(s, r)).join('\n')}
}
`;
}

/** Row r of the workgroup: each unit is 8 rows apart, a pair is 16 rows with B in the upper half. */
function storeRow(s: LanesSpec, r: number): string {
  const paired = s.format === 'int4' || s.format === 'int8';
  const store = range(s.tokens).map((t) => {
    const at = `(firstToken + ${t}u) * p.rows + row${r}`;
    const sum = `o${r}_${t}${s.bias ? ` + bias[row${r}]` : ''}${s.residual ? ` + residual[${at}]` : ''}`;
    return `    if (firstToken + ${t}u < p.tokens) { y[${at}] = ${sum}; }`;
  });
  return `  let row${r} = p.firstRow + block * 64u + (unit0 * ${paired ? 2 : 1}u + ${r}u) * 8u + lane;
  if (row${r} < p.rows) {
${store.join('\n')}
  }`;
}

function columnBlock(s: LanesSpec): string {
  return s.activation === 'q8' ? q8Block(s) : f32Block(s);
}

// ---- int8 activations -------------------------------------------------------------------------------------------

function q8Block(s: LanesSpec): string {
  const lines: string[] = [];
  for (const t of range(s.tokens)) {
    lines.push(`    let x${t} = x[(token${t} * p.colBlocks + kb) * 8u + lane];`);
    // int8 extends signs after the broadcast instead: see int8Group.
    for (const half of s.format === 'int4' ? ['x', 'y'] : []) {
      for (const j of range(4)) {
        const shifted = j === 3 ? `bitcast<i32>(x${t}.${half})` : `(bitcast<i32>(x${t}.${half}) << ${24 - 8 * j}u)`;
        lines.push(`    let x${t}${half}${j} = bitcast<u32>(${shifted} >> 24u);`);
      }
    }
  }
  for (const group of range(2)) {
    const half = group === 0 ? 'x' : 'y';
    for (const t of range(s.tokens)) {
      lines.push(`    let scale${group}_${t} = subgroupBroadcast(bitcast<f32>(x${t}.z), ${2 + group}u);`);
      if (s.groupSize === 32) {
        lines.push(`    let sum${group}_${t} = f32(bitcast<i32>(subgroupBroadcast(x${t}.z, ${group}u)));`);
      }
    }
    lines.push(s.format === 'int4' ? int4Group(s, group, half) : int8Group(s, group, half));
  }
  return lines.join('\n');
}

const component = ['x', 'y', 'z', 'w'];

/** 32 columns of int4 pairs against int8 activations. */
function int4Group(s: LanesSpec, group: number, half: string): string {
  const lines: string[] = ['    {'];
  for (const u of range(s.units)) {
    for (const i of range(2))
      lines.push(`      let q${u}_${i} = texel(at + ${(u * s.texelsPerUnit + group * 2 + i) * 8}u);`);
    for (const t of range(s.tokens)) lines.push(`      var lo${u}_${t} = 0i; var hi${u}_${t} = 0i;`);
  }
  for (const phase of range(2)) {
    lines.push('      {');
    for (const u of range(s.units)) for (const t of range(s.tokens)) lines.push(`        var a${u}_${t} = 0u;`);
    for (const dword of range(4)) {
      for (const j of range(4)) {
        lines.push('        {');
        for (const u of range(s.units)) {
          lines.push(`          let n${u} = (q${u}_${phase}.${component[dword]} >> ${4 * j}u) & 0x000f000fu;`);
        }
        for (const t of range(s.tokens)) {
          lines.push(`          let b${t} = subgroupBroadcast(x${t}${half}${j}, ${phase * 4 + dword}u);`);
          for (const u of range(s.units)) lines.push(`          a${u}_${t} += n${u} * b${t};`);
        }
        lines.push('        }');
      }
    }
    for (const u of range(s.units)) {
      for (const t of range(s.tokens)) {
        lines.push(`        let s${u}_${t} = bitcast<i32>(a${u}_${t});`);
        lines.push(`        lo${u}_${t} += (s${u}_${t} << 16u) >> 16u; hi${u}_${t} += (s${u}_${t} + 0x8000) >> 16u;`);
      }
    }
    lines.push('      }');
  }
  lines.push(...applyScales(s, group, 4, (u, b, t) => `${b ? 'hi' : 'lo'}${u}_${t}`), '    }');
  return lines.join('\n');
}

/**
 * 32 columns of int8 pairs against int8 activations; groups of 16 or 32. Both factors are visibly within 16 bits where they are
 * multiplied, so that LLVM takes `vpmaddwd`, half the cost of a 32-bit multiply on Intel.
 */
function int8Group(s: LanesSpec, group: number, half: string): string {
  const lines: string[] = [];
  const parts = 32 / s.groupSize;
  const dwords = 8 / parts;
  for (const part of range(parts)) {
    lines.push('    {');
    for (const u of range(s.units)) {
      for (const b of range(2)) {
        for (const i of range(dwords / 4)) {
          const texel = u * s.texelsPerUnit + b * 4 + group * 2 + part + i;
          lines.push(`      let q${u}_${b}_${i} = texel(at + ${texel * 8}u);`);
        }
        for (const t of range(s.tokens)) lines.push(`      var a${u}_${b}_${t} = 0i;`);
      }
    }
    if (parts === 2) for (const t of range(s.tokens)) lines.push(`      var part${t} = 0i;`);
    for (const dword of range(dwords)) {
      lines.push('      {');
      for (const t of range(s.tokens)) {
        lines.push(`        let r${t} = bitcast<i32>(subgroupBroadcast(x${t}.${half}, ${part * dwords + dword}u));`);
        for (const j of range(4)) lines.push(`        let b${t}_${j} = (r${t} << ${24 - 8 * j}u) >> 24u;`);
        if (parts === 2) lines.push(`        part${t} += b${t}_0 + b${t}_1 + b${t}_2 + b${t}_3;`);
      }
      for (const u of range(s.units)) {
        for (const b of range(2)) {
          const q = `q${u}_${b}_${dword >> 2}.${component[dword & 3]}`;
          for (const j of range(4)) {
            lines.push(`        let w${u}_${b}_${j} = bitcast<i32>((${q} >> ${8 * j}u) & 0xffu);`);
          }
          for (const t of range(s.tokens)) {
            const products = range(4).map((j) => `w${u}_${b}_${j} * b${t}_${j}`);
            lines.push(`        a${u}_${b}_${t} += ${products.join(' + ')};`);
          }
        }
      }
      lines.push('      }');
    }
    if (parts === 2) for (const t of range(s.tokens)) lines.push(`      let sum${group}_${t} = f32(part${t});`);
    lines.push(...applyScales(s, group * parts + part, 8, (u, b, t) => `a${u}_${b}_${t}`, group), '    }');
  }
  return lines.join('\n');
}

/** o += (Σqx · scale + min · Σx) · scale_x for each row of each unit. `weightGroup` counts the layout's own groups. */
function applyScales(
  s: LanesSpec,
  weightGroup: number,
  firstScaleTexel: number,
  value: (unit: number, b: number, token: number) => string,
  group = weightGroup,
): string[] {
  const lines: string[] = [];
  for (const u of range(s.units)) {
    const texel = u * s.texelsPerUnit + firstScaleTexel + (weightGroup >> 1);
    lines.push(`      let d${u} = texel(at + ${texel * 8}u);`);
    for (const b of range(2)) {
      const d = `d${u}_${b}`;
      lines.push(`      let ${d} = unpack2x16float(d${u}.${component[(weightGroup & 1) * 2 + b]});`);
      for (const t of range(s.tokens)) {
        const sum = `f32(${value(u, b, t)}) * ${d}.x + sum${group}_${t} * ${d}.y`;
        lines.push(`      o${u * 2 + b}_${t} += (${sum}) * scale${group}_${t};`);
      }
    }
  }
  return lines;
}

// ---- f32 activations --------------------------------------------------------------------------------------------

function f32Block(s: LanesSpec): string {
  const lines: string[] = [];
  const paired = s.format === 'int4' || s.format === 'int8';
  for (const t of range(s.tokens)) {
    for (const half of range(2)) {
      lines.push(`    let x${t}_${half} = ${f32Load(s, t, half)};`);
      if (!paired) continue;
      // Codes are masked but not shifted down: their weight 16^j or 256^j is taken off the activation, exactly.
      const weights = s.format === 'int4' ? '1.0, 0x1p-4, 0x1p-8, 0x1p-12' : '1.0, 0x1p-8, 0x1p-16, 0x1p-24';
      lines.push(`    let z${t}_${half} = x${t}_${half} * vec4<f32>(${weights});`);
      lines.push(`    let e${t}_${half} = dot(x${t}_${half}, vec4<f32>(1.0));`);
    }
  }
  const step = paired ? s.groupSize : 8;
  for (let k = 0; k < 64; k += step) lines.push(paired ? integerGroup(s, k) : floatColumns(s, k));
  return lines.join('\n');
}

/** Four columns of token t for this lane: 4·lane … of the block's first or second half. */
function f32Load(s: LanesSpec, t: number, half: number): string {
  if (!s.ragged) return `x[(token${t} * p.cols + kb * 64u) / 4u + ${half * 8}u + lane]`;
  const loads = range(4).map((j) => {
    const k = `kb * 64u + ${half * 32 + j}u + lane * 4u`;
    return `select(0.0, x[min(token${t} * p.cols + ${k}, p.tokens * p.cols - 1u)], ${k} < p.cols)`;
  });
  return `vec4<f32>(${loads.join(', ')})`;
}

/** Activation of column k of the block (z: over the weight of its code's bits), the same in all lanes. */
const broadcast = (x: 'x' | 'z', t: number, k: number) =>
  `subgroupBroadcast(${x}${t}_${k >> 5}.${component[k & 3]}, ${(k & 31) >> 2}u)`;

function floatColumns(s: LanesSpec, k: number): string {
  const lines: string[] = ['    {'];
  const texels = s.format === 'f32' ? 2 : 1;
  for (const u of range(s.units)) {
    for (const i of range(texels)) {
      lines.push(`      let q${u}_${i} = texel(at + ${(u * s.texelsPerUnit + (k / 8) * texels + i) * 8}u);`);
    }
  }
  for (const c of range(8)) {
    for (const u of range(s.units)) {
      const q = s.format === 'f32' ? `q${u}_${c >> 2}.${component[c & 3]}` : `q${u}_0.${component[c >> 1]}`;
      lines.push(`      let w${u}_${c} = ${floatElement(s.format, q, c)};`);
    }
    for (const t of range(s.tokens)) {
      lines.push(`      let b${t}_${c} = ${broadcast('x', t, k + c)};`);
      for (const u of range(s.units)) lines.push(`      o${u}_${t} += w${u}_${c} * b${t}_${c};`);
    }
  }
  return [...lines, '    }'].join('\n');
}

function floatElement(format: WeightFormat, q: string, column: number): string {
  if (format === 'f32') return `bitcast<f32>(${q})`;
  if (format === 'bf16') return column & 1 ? `bitcast<f32>(${q} & 0xffff0000u)` : `bitcast<f32>(${q} << 16u)`;
  return `unpack2x16float(${q}).${column & 1 ? 'y' : 'x'}`;
}

/** One weight group (16 or 32 columns) of int4 or int8 pairs against f32 activations. */
function integerGroup(s: LanesSpec, k0: number): string {
  const lines: string[] = ['    {'];
  const perTexel = 16;
  for (const u of range(s.units)) {
    for (let k = k0; k < k0 + s.groupSize; k += perTexel) {
      for (const b of range(s.format === 'int8' ? 2 : 1)) {
        lines.push(`      let q${u}_${b}_${k} = texel(at + ${(u * s.texelsPerUnit + b * 4 + k / perTexel) * 8}u);`);
      }
    }
    for (const b of range(2)) for (const t of range(s.tokens)) lines.push(`      var a${u}_${b}_${t} = 0.0;`);
  }
  for (const t of range(s.tokens)) lines.push(`      let sum${t} = ${groupSum(s, t, k0)};`);
  for (let k = k0; k < k0 + s.groupSize; k++) {
    lines.push('      {');
    for (const u of range(s.units)) {
      for (const b of range(2)) lines.push(`        let w${u}_${b} = ${integerElement(s, u, b, k)};`);
    }
    for (const t of range(s.tokens)) {
      lines.push(`        let b${t} = ${broadcast('z', t, k)};`);
      for (const u of range(s.units)) {
        for (const b of range(2)) lines.push(`        a${u}_${b}_${t} += w${u}_${b} * b${t};`);
      }
    }
    lines.push('      }');
  }
  const g = k0 / s.groupSize;
  const firstScaleTexel = s.format === 'int4' ? 4 : 8;
  for (const u of range(s.units)) {
    lines.push(`      let d${u} = texel(at + ${(u * s.texelsPerUnit + firstScaleTexel + (g >> 1)) * 8}u);`);
    for (const b of range(2)) {
      lines.push(`      let d${u}_${b} = unpack2x16float(d${u}.${component[(g & 1) * 2 + b]});`);
      for (const t of range(s.tokens)) {
        // Row B's int4 codes sit 16 bits further up.
        const scale = s.format === 'int4' && b === 1 ? `(d${u}_${b}.x * 0x1p-16)` : `d${u}_${b}.x`;
        lines.push(`      o${u * 2 + b}_${t} += a${u}_${b}_${t} * ${scale} + sum${t} * d${u}_${b}.y;`);
      }
    }
  }
  return [...lines, '    }'].join('\n');
}

/** Σx over the weight group that begins at column k0. */
function groupSum(s: LanesSpec, t: number, k0: number): string {
  const e = `e${t}_${k0 >> 5}`;
  if (s.groupSize === 32) return `subgroupAdd(${e})`;
  const lane0 = (k0 & 31) >> 2;
  return range(4)
    .map((i) => `subgroupBroadcast(${e}, ${lane0 + i}u)`)
    .join(' + ');
}

/** Code of column k, still at its bit position; only the topmost is shifted, to stay clear of the sign. */
function integerElement(s: LanesSpec, u: number, b: number, k: number): string {
  const dword = component[(k & 15) >> 2];
  const j = k & 3;
  if (s.format === 'int4') {
    const q = `q${u}_0_${k & ~15}.${dword}`;
    const bit = 16 * b + 4 * j;
    return bit === 28 ? `f32((${q} >> 4u) & 0x0f000000u) * 16.0` : `f32(${q} & 0x${((15 << bit) >>> 0).toString(16)}u)`;
  }
  const q = `q${u}_${b}_${k & ~15}.${dword}`;
  return j === 3 ? `f32((${q} >> 8u) & 0x00ff0000u) * 256.0` : `f32(${q} & 0x${(255 << (8 * j)).toString(16)}u)`;
}
