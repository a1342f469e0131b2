/**
 * Integer activations times integer weights, for the lane-per-row sums (lane-sums.wgsl.ts): int8 codes (q8), or 12-bit codes in the
 * same texels (q12: the upper eight bits where q8 has its codes, four more of each column in .w).
 *
 * Two ways to the same integers. _Dots_ multiply one column of one row at a time: both factors are visibly within 16 bits,
 * so that LLVM takes `vpmaddwd`, and where the processor has VNNI one `vpdpwssd` for product and sum. _SWAR_, for int4 × q8
 * without VNNI: one 32-bit multiply adds the products of two rows, their sums in the lower and upper half word; 16
 * products of |q·x| ≤ 15·127 fit 16 bits, then both halves are moved to full accumulators.
 */
import { range } from '../unroll.ts';
import { component, groupScale, isSwar, loadInt8Group, loadTexels, type SumsSpec } from './lane-sums.parts.wgsl.ts';

/** Int4 dots leave codes at their bits 0 or 4; activations of those at 0 are multiplied by 16, so that all sums are. */
const isScaled = (s: SumsSpec): boolean => s.format === 'int4' && !isSwar(s);

/** Adds one block of 64 columns to the sums of every row and token. */
export function q8Block(s: SumsSpec): string {
  const lines: string[] = [];
  if (s.format === 'int4') lines.push(...loadTexels(s, range(s.texelsPerUnit)));
  for (const t of range(s.tokens)) {
    lines.push(`    let x${t} = ${s.x(`(token${t} * ${s.colBlocks} + kb) * 8u + lane`)};`);
    for (const half of range(2)) {
      for (const j of range(4)) lines.push(`    let x${t}${'xy'[half]}${j} = ${code(s, t, half, j)};`);
    }
  }
  for (const group of range(2)) {
    const half = 'xy'[group];
    for (const t of range(s.tokens)) {
      lines.push(`    let scale${group}_${t} = subgroupBroadcast(bitcast<f32>(x${t}.z), ${2 + group}u);`);
      if (s.groupSize === 32) {
        lines.push(`    let sum${group}_${t} = f32(bitcast<i32>(subgroupBroadcast(x${t}.z, ${group}u)));`);
      }
    }
    lines.push(s.format === 'int8' ? int8Group(s, group, half) : (isSwar(s) ? swarGroup : int4Group)(s, group, half));
  }
  return lines.join('\n');
}

/** This lane's code of column 4·lane + j of half a block, as i32; for SWAR as u32. */
function code(s: SumsSpec, t: number, half: number, j: number): string {
  const x = `bitcast<i32>(x${t}.${'xy'[half]})`;
  const q8 = j === 3 ? `(${x} >> 24u)` : `((${x} << ${24 - 8 * j}u) >> 24u)`;
  if (isSwar(s)) return `bitcast<u32>(${q8})`;
  const up = isScaled(s) && j % 2 === 0 ? 4 : 0;
  if (s.activation === 'q8') return up > 0 ? `${q8} << ${up}u` : q8;
  const bit = 16 * half + 4 * j - up;
  const moved = bit > 0 ? `(x${t}.w >> ${bit}u)` : `(x${t}.w << ${-bit}u)`;
  return `(${q8} << ${4 + up}u) | bitcast<i32>(${moved} & ${15 << up}u)`;
}

/** 32 columns of int4 pairs, as dots. */
function int4Group(s: SumsSpec, group: number, half: string): string {
  const lines: string[] = ['    {'];
  for (const u of range(s.units)) {
    for (const b of range(2)) for (const t of range(s.tokens)) lines.push(`      var a${u}_${b}_${t} = 0i;`);
  }
  for (const dword of range(8)) {
    lines.push('      {');
    for (const j of range(4)) {
      for (const t of range(s.tokens)) {
        lines.push(`        let b${t}_${j} = subgroupBroadcast(x${t}${half}${j}, ${dword}u);`);
      }
      for (const u of range(s.units)) {
        for (const b of range(2)) {
          const q = `w${u}_${group * 2 + (dword >> 2)}.${component[dword & 3]}`;
          const shift = 16 * b + 8 * (j >> 1);
          const moved = shift > 0 ? `(${q} >> ${shift}u)` : q;
          lines.push(`        let n${u}_${b}_${j} = bitcast<i32>(${moved} & ${j % 2 === 0 ? '0xfu' : '0xf0u'});`);
          for (const t of range(s.tokens)) lines.push(`        a${u}_${b}_${t} += n${u}_${b}_${j} * b${t}_${j};`);
        }
      }
    }
    lines.push('      }');
  }
  lines.push(...applyScales(s, group, (u, b, t) => `a${u}_${b}_${t}`), '    }');
  return lines.join('\n');
}

/** 32 columns of int4 pairs, two rows at a time. */
function swarGroup(s: SumsSpec, group: number, half: string): string {
  const lines: string[] = ['    {'];
  for (const u of range(s.units)) {
    for (const t of range(s.tokens)) lines.push(`      var lo${u}_${t} = 0i; var hi${u}_${t} = 0i;`);
  }
  for (const phase of range(2)) {
    lines.push('      {');
    for (const u of range(s.units)) for (const t of range(s.tokens)) lines.push(`        var a${u}_${t} = 0u;`);
    for (const dword of range(4)) {
      for (const j of range(4)) {
        lines.push('        {');
        for (const u of range(s.units)) {
          lines.push(
            `          let n${u} = (w${u}_${group * 2 + phase}.${component[dword]} >> ${4 * j}u) & 0x000f000fu;`,
          );
        }
        for (const t of range(s.tokens)) {
          lines.push(`          let b${t} = subgroupBroadcast(x${t}${half}${j}, ${phase * 4 + dword}u);`);
          for (const u of range(s.units)) lines.push(`          a${u}_${t} += n${u} * b${t};`);
        }
        lines.push('        }');
      }
      // Cuts the chain of sums: LLVM would reorder it so that all products wait for their sum on the stack.
      if (s.tokens > 1) {
        for (const u of range(s.units)) {
          for (const t of range(s.tokens)) lines.push(`        a${u}_${t} = max(a${u}_${t}, zero);`);
        }
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
  lines.push(...applyScales(s, group, (u, b, t) => `${b ? 'hi' : 'lo'}${u}_${t}`), '    }');
  return lines.join('\n');
}

/** 32 columns of int8 pairs, as dots; groups of 16 or 32. */
function int8Group(s: SumsSpec, group: number, half: string): string {
  const lines: string[] = [];
  const parts = 32 / s.groupSize;
  const dwords = 8 / parts;
  for (const part of range(parts)) {
    const weightGroup = group * parts + part;
    const first = group * 2 + part;
    lines.push('    {', ...loadInt8Group(s, weightGroup));
    for (const u of range(s.units)) {
      for (const b of range(2)) {
        for (const t of range(s.tokens)) lines.push(`      var a${u}_${b}_${t} = 0i;`);
      }
    }
    if (parts === 2) for (const t of range(s.tokens)) lines.push(`      var part${t} = 0i;`);
    for (const dword of range(dwords)) {
      lines.push('      {');
      for (const j of range(4)) {
        for (const t of range(s.tokens)) {
          lines.push(`        let b${t}_${j} = subgroupBroadcast(x${t}${half}${j}, ${part * dwords + dword}u);`);
          if (parts === 2) lines.push(`        part${t} += b${t}_${j};`);
        }
        for (const u of range(s.units)) {
          for (const b of range(2)) {
            const q = `w${u}_${b * 4 + first + (dword >> 2)}.${component[dword & 3]}`;
            lines.push(`        let n${u}_${b}_${j} = bitcast<i32>((${q} >> ${8 * j}u) & 0xffu);`);
            for (const t of range(s.tokens)) lines.push(`        a${u}_${b}_${t} += n${u}_${b}_${j} * b${t}_${j};`);
          }
        }
      }
      lines.push('      }');
    }
    if (parts === 2) for (const t of range(s.tokens)) lines.push(`      let sum${group}_${t} = f32(part${t});`);
    lines.push(...applyScales(s, weightGroup, (u, b, t) => `a${u}_${b}_${t}`, group), '    }');
  }
  return lines.join('\n');
}

/** o += (Σqx · scale + min · Σx) · scale_x for each row of each unit. `weightGroup` counts the layout's own groups. */
function applyScales(
  s: SumsSpec,
  weightGroup: number,
  value: (unit: number, b: number, token: number) => string,
  group = weightGroup,
): string[] {
  const lines: string[] = [];
  for (const u of range(s.units)) {
    for (const b of range(2)) {
      const d = `d${u}_${b}`;
      lines.push(
        `      let ${d} = ${groupScale(s, u, b, weightGroup)}${isScaled(s) ? ' * vec2<f32>(0x1p-4, 1.0)' : ''};`,
      );
      for (const t of range(s.tokens)) {
        const sum = `f32(${value(u, b, t)}) * ${d}.x + sum${group}_${t} * ${d}.y`;
        lines.push(`      o${u * 2 + b}_${t} += (${sum}) * scale${group}_${t};`);
      }
    }
  }
  return lines;
}
