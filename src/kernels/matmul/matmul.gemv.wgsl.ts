/**
 * WGSL of the matrix product for few tokens on real GPUs: bound by reading the weights once, so each is decoded once and
 * used for up to 8 tokens. A workgroup is 4 teams of 32 invocations; a team owns `rows` adjacent output rows and
 * strides over their columns in chunks of 8, so that its 32 loads are contiguous. The 32 partial sums of each
 * (row, token) meet in workgroup memory, one invocation adding up each: right for any subgroup size.
 *
 * A generator because the accumulators are unrolled variables, rows × tokens of them; decoding is included (chunk.*.wgsl).
 */
import { range } from '../unroll.ts';
import { chunkBindings, inputBinding, withChunks, type ChunkSpec, type InputSpec } from './row-chunk.wgsl.ts';

export interface GemvSpec extends ChunkSpec, InputSpec {
  /** Output rows of a team. rows · tokens ≤ 32. */
  readonly rows: number;
  /** Tokens of a workgroup. */
  readonly tokens: number;
  readonly bias: boolean;
  readonly residual: boolean;
}

export const TEAMS = 4;

export function gemvKernelName(s: GemvSpec): string {
  const extras = [s.ragged && 'ragged', s.bias && 'bias', s.residual && 'residual'].filter(Boolean).join('-');
  return `matmul.gemv.${s.format}-${s.groupSize}-${s.input}-${s.rows}x${s.tokens}${extras && `-${extras}`}`;
}

export function gemvKernel(s: GemvSpec): string {
  const rows = range(s.rows);
  const tokens = range(s.tokens);
  let binding = chunkBindings(s);
  const sums = s.rows * s.tokens;
  const text = `struct Params { tokens: u32, rows: u32, cols: u32, chunks: u32, firstRow: u32, sliceRows: u32 }
var<immediate> p: Params;
${inputBinding(s, binding++)}
@group(0) @binding(${binding++}) var<storage, read_write> y: array<f32>; // [T, N]
${s.bias ? `@group(0) @binding(${binding++}) var<storage, read> bias: array<f32>; // [N]` : ''}
${s.residual ? `@group(0) @binding(${binding++}) var<storage, read> residual: array<f32>; // [T, N]` : ''}

// [team][sum][lane]; the lanes of a sum are rotated so that the adding invocations use different banks.
var<workgroup> partial: array<f32, ${TEAMS * sums * 32}>;

@compute @workgroup_size(${TEAMS * 32})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let team = thread / 32u;
  let lane = thread % 32u;
  let teamRow = (wg.x * ${TEAMS}u + team) * ${s.rows}u;
  let groupToken = wg.y * ${s.tokens}u;
${rows.map((r) => `  let row${r} = min(teamRow + ${r}u, p.sliceRows - 1u) * p.chunks;`).join('\n')}
${tokens.map((t) => `  let token${t} = min(groupToken + ${t}u, p.tokens - 1u);`).join('\n')}
${rows.map((r) => `  ${tokens.map((t) => `var o${r}_${t} = 0.0;`).join(' ')}`).join('\n')}
  for (var chunk = lane; chunk < p.chunks; chunk += 32u) {
${s.input === 'q8' ? integerChunk(s) : floatChunk(s)}
  }
${rows.map((r) => tokens.map((t) => `  partial[(team * ${sums}u + ${r * s.tokens + t}u) * 32u + lane] = o${r}_${t};`).join('\n')).join('\n')}
  workgroupBarrier();

  let row = teamRow + lane / ${s.tokens}u;
  let token = groupToken + lane % ${s.tokens}u;
  if (lane >= ${sums}u || row >= p.sliceRows || token >= p.tokens) { return; }
  var sum = 0.0;
  for (var i = 0u; i < 32u; i++) { sum += partial[(team * ${sums}u + lane) * 32u + (i + lane) % 32u]; }
  let at = token * p.rows + p.firstRow + row;
  y[at] = sum${s.bias ? ' + bias[p.firstRow + row]' : ''}${s.residual ? ' + residual[at]' : ''};
}
`;
  return withChunks(s, s, text);
}

/** f32 activations: w·x for floats; scale · (q·x) + min · Σx for integers. */
function floatChunk(s: GemvSpec): string {
  const lines: string[] = [];
  for (const t of range(s.tokens)) {
    lines.push(`let x${t} = inputChunk(token${t}, chunk);`);
    if (s.groupSize) lines.push(`let sum${t} = dot(x${t}.a, vec4<f32>(1.0)) + dot(x${t}.b, vec4<f32>(1.0));`);
  }
  for (const r of range(s.rows)) {
    lines.push(`let w${r} = weightChunk(row${r} + chunk);`);
    if (s.groupSize) lines.push(`let d${r} = scaleMin(row${r} + chunk);`);
    for (const t of range(s.tokens)) {
      const dot = `dot(w${r}.a, x${t}.a) + dot(w${r}.b, x${t}.b)`;
      lines.push(`o${r}_${t} += ${s.groupSize ? `d${r}.x * (${dot}) + d${r}.y * sum${t}` : dot};`);
    }
  }
  return lines.map((line) => `    ${line}`).join('\n');
}

/** int8 activations: exact integer dot products of 8 columns, then scale and min. */
function integerChunk(s: GemvSpec): string {
  const lines: string[] = [];
  for (const t of range(s.tokens)) {
    lines.push(`let x${t} = inputCodes(token${t}, chunk);`);
    lines.push(`let sum${t} = dot4I8Packed(x${t}.x, 0x01010101u) + dot4I8Packed(x${t}.y, 0x01010101u);`);
  }
  for (const r of range(s.rows)) {
    lines.push(`let w${r} = weights[row${r} + chunk];`);
    lines.push(`let d${r} = scaleMin(row${r} + chunk);`);
    // int8 codes are unsigned: flipping the top bit makes them signed and 128 too small.
    const [a, b] =
      s.format === 'int8'
        ? [`w${r}.x ^ 0x80808080u`, `w${r}.y ^ 0x80808080u`]
        : [`w${r} & 0x0f0f0f0fu`, `(w${r} >> 4u) & 0x0f0f0f0fu`];
    for (const t of range(s.tokens)) {
      const dot = `dot4I8Packed(${a}, x${t}.x) + dot4I8Packed(${b}, x${t}.y)`;
      const product = s.format === 'int8' ? `${dot} + 128 * sum${t}` : dot;
      lines.push(`o${r}_${t} += (d${r}.x * f32(${product}) + d${r}.y * f32(sum${t})) * bitcast<f32>(x${t}.z);`);
    }
  }
  return lines.map((line) => `    ${line}`).join('\n');
}
