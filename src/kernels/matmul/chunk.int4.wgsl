// 8 columns of a row of int4 weights: byte j holds columns j and j + 4. `at` counts chunks: row · chunks + chunk
// (row-matrix.ts).
// include: scale-min.wgsl
@group(0) @binding(0) var<storage, read> weights: array<u32>; // [rows, chunks] of 8 columns

// The codes, four to a dword, as signed bytes; those of the format are larger by CODE_OFFSET.
const CODE_OFFSET = 0;
fn weightBytes(at: u32) -> vec2<u32> {
  let q = weights[at];
  return vec2<u32>(q & 0x0f0f0f0fu, (q >> 4u) & 0x0f0f0f0fu);
}

fn weightCodes(at: u32) -> Chunk {
  let q = weightBytes(at);
  return Chunk(vec4<f32>(unpack4xU8(q.x)), vec4<f32>(unpack4xU8(q.y)));
}
