// The codes of 8 columns of a row of int8 weights, without scale and minimum, which are the same for the whole chunk.
// `at` counts chunks: row · chunks + chunk (row-matrix.ts).
// include: scale-min.wgsl
@group(0) @binding(0) var<storage, read> weights: array<vec2<u32>>; // [rows, chunks] of 8 columns
struct Chunk { a: vec4<f32>, b: vec4<f32> }

fn weightChunk(at: u32) -> Chunk {
  let q = weights[at];
  return Chunk(vec4<f32>(unpack4xU8(q.x)), vec4<f32>(unpack4xU8(q.y)));
}
