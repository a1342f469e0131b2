// 8 columns of a row of f16 weights, widened. `at` counts chunks: row · chunks + chunk (row-matrix.ts).
// include: chunk.wgsl
@group(0) @binding(0) var<storage, read> weights: array<vec4<u32>>; // [rows, chunks] of 8 columns

alias Stored = vec4<u32>;
fn storedAt(at: u32) -> Stored { return weights[at]; }
fn chunkOf(q: Stored) -> Chunk {
  return Chunk(
    vec4<f32>(unpack2x16float(q.x), unpack2x16float(q.y)),
    vec4<f32>(unpack2x16float(q.z), unpack2x16float(q.w)));
}
fn weightChunk(at: u32) -> Chunk { return chunkOf(storedAt(at)); }
