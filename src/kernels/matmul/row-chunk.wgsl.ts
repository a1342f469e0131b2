/**
 * WGSL shared by the kernels that read a RowMatrix: bindings 0 (weights) and, for integer formats, 1 (scales), and how
 * a chunk of 8 columns is decoded. Codes come without scale and min, which are the same for the whole chunk.
 */
import type { WeightFormat } from '../../tensor/matrix.ts';

export interface ChunkSpec {
  readonly format: WeightFormat;
  readonly groupSize: number;
}

/** Bindings that `chunkReader` declares; the kernel's own begin there. */
export function chunkBindings(spec: ChunkSpec): number {
  return spec.groupSize ? 2 : 1;
}

const elementType = {
  f32: 'vec4<f32>',
  f16: 'vec4<u32>',
  bf16: 'vec4<u32>',
  int8: 'vec2<u32>',
  int4: 'u32',
} as const;

/** `at` counts chunks: row · chunksPerRow + chunk. */
const decode: Record<WeightFormat, string> = {
  f32: 'return Chunk(weights[2u * at], weights[2u * at + 1u]);',
  f16: `let q = weights[at];
  return Chunk(
    vec4<f32>(unpack2x16float(q.x), unpack2x16float(q.y)),
    vec4<f32>(unpack2x16float(q.z), unpack2x16float(q.w)));`,
  bf16: `let q = weights[at];
  let even = bitcast<vec4<f32>>(q << vec4<u32>(16u));
  let odd = bitcast<vec4<f32>>(q & vec4<u32>(0xffff0000u));
  return Chunk(vec4<f32>(even.x, odd.x, even.y, odd.y), vec4<f32>(even.z, odd.z, even.w, odd.w));`,
  int8: `let q = weights[at];
  return Chunk(vec4<f32>(unpack4xU8(q.x)), vec4<f32>(unpack4xU8(q.y)));`,
  int4: `let q = weights[at];
  return Chunk(vec4<f32>(unpack4xU8(q & 0x0f0f0f0fu)), vec4<f32>(unpack4xU8((q >> 4u) & 0x0f0f0f0fu)));`,
};

export function chunkReader(spec: ChunkSpec): string {
  const { format, groupSize } = spec;
  const scales = groupSize
    ? `@group(0) @binding(1) var<storage, read> scales: array<u32>; // [rows, K / ${groupSize}]: scale and min, f16

// Scale and min of the group that chunk \`at\` lies in.
fn scaleMin(at: u32) -> vec2<f32> { return unpack2x16float(scales[at / ${groupSize / 8}u]); }
`
    : '';
  return `@group(0) @binding(0) var<storage, read> weights: array<${elementType[format]}>; // [rows, chunks] of 8 columns
${scales}
struct Chunk { a: vec4<f32>, b: vec4<f32> }

fn weightChunk(at: u32) -> Chunk {
  ${decode[format]}
}
`;
}

export interface InputSpec {
  /** Form of the activations. */
  readonly input: 'f32' | 'q8';
  /** f32 rows that are no multiple of 8 columns: loaded one by one with a bound check. */
  readonly ragged: boolean;
}

/** The binding of x, and \`inputChunk(token, chunk)\`: 8 columns of a token in f32. Needs p.cols and p.chunks. */
export function inputReader({ input, ragged }: InputSpec, binding: number): string {
  if (input === 'q8') {
    return `@group(0) @binding(${binding}) var<storage, read> x: array<u32>; // [T, blocks of 64, 8 lanes, 4] q8

// The codes of 8 columns (two dwords) and the bits of their scale; layout: GpuTensor in webgpu-context.ts.
fn inputCodes(token: u32, chunk: u32) -> vec3<u32> {
  let block = (token * ((p.chunks + 7u) / 8u) + chunk / 8u) * 32u;
  let half = (chunk / 4u) % 2u;
  let lane = (chunk % 4u) * 2u;
  return vec3<u32>(x[block + lane * 4u + half], x[block + lane * 4u + 4u + half], x[block + (2u + half) * 4u + 2u]);
}

fn inputChunk(token: u32, chunk: u32) -> Chunk {
  let q = inputCodes(token, chunk);
  let scale = bitcast<f32>(q.z);
  return Chunk(vec4<f32>(unpack4xI8(q.x)) * scale, vec4<f32>(unpack4xI8(q.y)) * scale);
}
`;
  }
  if (ragged) {
    return `@group(0) @binding(${binding}) var<storage, read> x: array<f32>; // [T, K]

fn inputColumn(token: u32, k: u32) -> f32 {
  if (k >= p.cols) { return 0.0; }
  return x[token * p.cols + k];
}

fn inputChunk(token: u32, chunk: u32) -> Chunk {
  let k = chunk * 8u;
  return Chunk(
    vec4<f32>(inputColumn(token, k), inputColumn(token, k + 1u), inputColumn(token, k + 2u), inputColumn(token, k + 3u)),
    vec4<f32>(inputColumn(token, k + 4u), inputColumn(token, k + 5u), inputColumn(token, k + 6u), inputColumn(token, k + 7u)));
}
`;
  }
  return `@group(0) @binding(${binding}) var<storage, read> x: array<vec4<f32>>; // [T, K / 4]

fn inputChunk(token: u32, chunk: u32) -> Chunk {
  let at = (token * p.chunks + chunk) * 2u;
  return Chunk(x[at], x[at + 1u]);
}
`;
}
