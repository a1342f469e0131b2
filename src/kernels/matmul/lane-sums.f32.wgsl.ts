/** f32 activations times weights of any format, for the lane-per-row sums (lane-sums.wgsl.ts). */
import type { WeightFormat } from '../../tensor/matrix.ts';
import { range } from '../unroll.ts';
import { component, groupScale, loadInt8Group, loadTexels, type SumsSpec } from './lane-sums.parts.wgsl.ts';

/** Adds one block of 64 columns, f32 activations, to the sums of every row and token. */
export function f32Block(s: SumsSpec): string {
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
  if (s.format === 'int4') lines.push(...loadTexels(s, range(s.texelsPerUnit)));
  const step = paired ? s.groupSize : 8;
  for (let k = 0; k < 64; k += step) lines.push(paired ? integerGroup(s, k) : floatColumns(s, k));
  return lines.join('\n');
}

/** Four columns of token t for this lane: 4·lane … of the block's first or second half. */
function f32Load(s: SumsSpec, t: number, half: number): string {
  if (!s.ragged) return s.x(`(token${t} * ${s.cols} + kb * 64u) / 4u + ${half * 8}u + lane`);
  const loads = range(4).map((j) => {
    const k = `kb * 64u + ${half * 32 + j}u + lane * 4u`;
    return `select(0.0, ${s.x(`min(token${t} * ${s.cols} + ${k}, p.tokens * ${s.cols} - 1u)`)}, ${k} < ${s.cols})`;
  });
  return `vec4<f32>(${loads.join(', ')})`;
}

/** Activation of column k of the block (z: over the weight of its code's bits), the same in all lanes. */
const broadcast = (x: 'x' | 'z', t: number, k: number) =>
  `subgroupBroadcast(${x}${t}_${k >> 5}.${component[k & 3]}, ${(k & 31) >> 2}u)`;

function floatColumns(s: SumsSpec, k: number): string {
  const lines: string[] = ['    {'];
  const texels = s.format === 'f32' ? 2 : 1;
  for (const u of range(s.units)) {
    for (const i of range(texels)) {
      lines.push(`      let q${u}_${i} = ${s.texel}(at + ${(u * s.texelsPerUnit + (k / 8) * texels + i) * 8}u);`);
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
function integerGroup(s: SumsSpec, k0: number): string {
  const lines: string[] = ['    {'];
  const g = k0 / s.groupSize;
  if (s.format === 'int8') lines.push(...loadInt8Group(s, g));
  for (const u of range(s.units)) {
    for (const b of range(2)) for (const t of range(s.tokens)) lines.push(`      var a${u}_${b}_${t} = 0.0;`);
  }
  for (const t of range(s.tokens)) lines.push(`      let sum${t} = ${groupSum(s, t, k0)};`);
  for (let k = k0; k < k0 + s.groupSize; k++) {
    lines.push('      {');
    for (const u of range(s.units)) {
      for (const b of range(2)) lines.push(`        let c${u}_${b} = ${integerElement(s, u, b, k)};`);
    }
    for (const t of range(s.tokens)) {
      lines.push(`        let b${t} = ${broadcast('z', t, k)};`);
      for (const u of range(s.units)) {
        for (const b of range(2)) lines.push(`        a${u}_${b}_${t} += c${u}_${b} * b${t};`);
      }
    }
    lines.push('      }');
  }
  for (const u of range(s.units)) {
    for (const b of range(2)) {
      lines.push(`      let d${u}_${b} = ${groupScale(s, u, b, g)};`);
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
function groupSum(s: SumsSpec, t: number, k0: number): string {
  const e = `e${t}_${k0 >> 5}`;
  if (s.groupSize === 32) return `subgroupAdd(${e})`;
  const lane0 = (k0 & 31) >> 2;
  return range(4)
    .map((i) => `subgroupBroadcast(${e}, ${lane0 + i}u)`)
    .join(' + ');
}

/** Code of column k, still at its bit position; only the topmost is shifted, to stay clear of the sign. */
function integerElement(s: SumsSpec, u: number, b: number, k: number): string {
  const dword = component[(k & 15) >> 2];
  const j = k & 3;
  if (s.format === 'int4') {
    const q = `w${u}_${k >> 4}.${dword}`;
    const bit = 16 * b + 4 * j;
    return bit === 28 ? `f32((${q} >> 4u) & 0x0f000000u) * 16.0` : `f32(${q} & 0x${((15 << bit) >>> 0).toString(16)}u)`;
  }
  const q = `w${u}_${b * 4 + (k >> 4)}.${dword}`;
  return j === 3 ? `f32((${q} >> 8u) & 0x00ff0000u) * 256.0` : `f32(${q} & 0x${(255 << (8 * j)).toString(16)}u)`;
}
