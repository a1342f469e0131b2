/**
 * The heart of every product on lavapipe, as WGSL text to be put into a kernel: the sums `o{row}_{token}` of the rows of
 * `units` units of one row block (layout: lane-layout.ts) with `tokens` tokens. A generator and not a .wgsl file because
 * its speed is the unrolling: 64 columns straight-line, only blocks in a loop (each turn of a loop costs mask code and
 * blends per live variable). Activations are loaded once per lane and handed round by constant-lane broadcasts, which
 * compile to shuffles.
 */
import { range } from '../unroll.ts';
import { f32Block } from './lane-sums.f32.wgsl.ts';
import { isPaired, rowsOf, type SumsSpec } from './lane-sums.parts.wgsl.ts';
import { q8Block } from './lane-sums.q8.wgsl.ts';

/** Needs `lane`, `block`, `unit0`, `zero` (a 0u that the compiler cannot see through) and `token0` … in scope. */
export function laneSums(s: SumsSpec): string {
  const sums = range(rowsOf(s)).map((r) =>
    range(s.tokens)
      .map((t) => `  var o${r}_${t} = 0.0;`)
      .join(''),
  );
  // The loop tests at its end: lavapipe runs the body of a loop that tests at its top once more, all lanes off (docs/kernels.md).
  return `  var at = (block * ${s.colBlocks} * ${s.unitsPerBlock}u + unit0) * ${s.texelsPerUnit * 8}u + lane;
${sums.join('\n')}
  var kb = 0u;
  loop {
${s.activation === 'f32' ? f32Block(s) : q8Block(s)}
    continuing {
      at += ${s.unitsPerBlock * s.texelsPerUnit * 8}u;
      kb++;
      break if kb == ${s.colBlocks};
    }
  }`;
}

/** Row r of the units, within the row block's matrix: units are 8 rows apart, a pair is 16 rows with B in the upper half. */
export const rowIndex = (s: SumsSpec, r: string): string => `${firstRow(s, r)} + lane`;

/** The first lane's. */
export const firstRow = (s: SumsSpec, r: string): string =>
  `block * 64u + (unit0 * ${isPaired(s.format) ? 2 : 1}u + ${r}) * 8u`;
