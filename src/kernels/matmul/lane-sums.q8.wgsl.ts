/**
 * int8 activations times integer weights, for the lane-per-row sums (lane-sums.wgsl.ts).
 *
 * int4 × int8 is SWAR: one 32-bit multiply adds the products of two rows, their sums in the lower and upper
 * half word. 16 products of |q·x| ≤ 15·127 fit 16 bits, then both halves are moved to full accumulators.
 */
import { range } from '../unroll.ts';
import { component, groupScale, loadInt8Group, loadTexels, type SumsSpec } from './lane-sums.parts.wgsl.ts';

/** Adds one block of 64 columns, int8 activations, to the sums of every row and token. */
export function q8Block(s: SumsSpec): string {
  const lines: string[] = [];
  if (s.format === 'int4') lines.push(...loadTexels(s, range(s.texelsPerUnit)));
  for (const t of range(s.tokens)) {
    lines.push(`    let x${t} = ${s.x(`(token${t} * ${s.colBlocks} + kb) * 8u + lane`)};`);
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

/** 32 columns of int4 pairs against int8 activations. */
function int4Group(s: SumsSpec, group: number, half: string): string {
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

/**
 * 32 columns of int8 pairs against int8 activations; groups of 16 or 32. Both factors are visibly within 16 bits where they are
 * multiplied, so that LLVM takes `vpmaddwd`, half the cost of a 32-bit multiply on Intel.
 */
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
      for (const t of range(s.tokens)) {
        lines.push(`        let r${t} = bitcast<i32>(subgroupBroadcast(x${t}.${half}, ${part * dwords + dword}u));`);
        for (const j of range(4)) lines.push(`        let b${t}_${j} = (r${t} << ${24 - 8 * j}u) >> 24u;`);
        if (parts === 2) lines.push(`        part${t} += b${t}_0 + b${t}_1 + b${t}_2 + b${t}_3;`);
      }
      for (const u of range(s.units)) {
        for (const b of range(2)) {
          const q = `w${u}_${b * 4 + first + (dword >> 2)}.${component[dword & 3]}`;
          for (const j of range(4)) {
            lines.push(`        let c${u}_${b}_${j} = bitcast<i32>((${q} >> ${8 * j}u) & 0xffu);`);
          }
          for (const t of range(s.tokens)) {
            const products = range(4).map((j) => `c${u}_${b}_${j} * b${t}_${j}`);
            lines.push(`        a${u}_${b}_${t} += ${products.join(' + ')};`);
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
      lines.push(`      let ${d} = ${groupScale(s, u, b, weightGroup)};`);
      for (const t of range(s.tokens)) {
        const sum = `f32(${value(u, b, t)}) * ${d}.x + sum${group}_${t} * ${d}.y`;
        lines.push(`      o${u * 2 + b}_${t} += (${sum}) * scale${group}_${t};`);
      }
    }
  }
  return lines;
}
