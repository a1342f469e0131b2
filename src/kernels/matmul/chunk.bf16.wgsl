// 8 columns of a row of bf16 weights, widened. `at` counts chunks: row · chunks + chunk (row-matrix.ts).
// include: chunk.wgsl
@group(0) @binding(0) var<storage, read> weights: array<vec4<u32>>; // [rows, chunks] of 8 columns

alias Stored = vec4<u32>;
fn storedAt(at: u32) -> Stored { return weights[at]; }
fn chunkOf(q: Stored) -> Chunk {
  let even = bitcast<vec4<f32>>(q << vec4<u32>(16u));
  let odd = bitcast<vec4<f32>>(q & vec4<u32>(0xffff0000u));
  return Chunk(vec4<f32>(even.x, odd.x, even.y, odd.y), vec4<f32>(even.z, odd.z, even.w, odd.w));
}
fn weightChunk(at: u32) -> Chunk { return chunkOf(storedAt(at)); }
