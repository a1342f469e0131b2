// 8 columns of a row of int8 weights, four to a dword. `at` counts chunks: row · chunks + chunk (row-matrix.ts).
// include: weight-codes.int8.wgsl
// include: integer-chunk.wgsl
@group(0) @binding(0) var<storage, read> weights: array<vec2<u32>>; // [rows, chunks] of 8 columns

fn weightBytes(at: u32) -> vec2<u32> { return codeBytes(weights[at]); }
