// 8 columns of a row of int8 weights, four to a dword. `at` counts chunks: row · chunks + chunk (row-matrix.ts).
// include: scale-min.wgsl
@group(0) @binding(0) var<storage, read> weights: array<vec2<u32>>; // [rows, chunks] of 8 columns

// The codes, four to a dword, as signed bytes; those of the format are larger by CODE_OFFSET: the top bit flipped.
const CODE_OFFSET = 128;
fn weightBytes(at: u32) -> vec2<u32> { return weights[at] ^ vec2<u32>(0x80808080u); }

fn weightCodes(at: u32) -> Chunk {
  let q = weights[at];
  return Chunk(vec4<f32>(unpack4xU8(q.x)), vec4<f32>(unpack4xU8(q.y)));
}
