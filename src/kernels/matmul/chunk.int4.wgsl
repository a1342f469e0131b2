// The codes of 8 columns of a row of int4 weights, without scale and minimum, which are the same for the whole chunk: byte
// j holds columns j and j + 4. `at` counts chunks: row · chunks + chunk (row-matrix.ts).
// include: scale-min.wgsl
@group(0) @binding(0) var<storage, read> weights: array<u32>; // [rows, chunks] of 8 columns
struct Chunk { a: vec4<f32>, b: vec4<f32> }

fn weightChunk(at: u32) -> Chunk {
  let q = weights[at];
  return Chunk(vec4<f32>(unpack4xU8(q & 0x0f0f0f0fu)), vec4<f32>(unpack4xU8((q >> 4u) & 0x0f0f0f0fu)));
}
