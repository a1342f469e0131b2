// 8 columns of a row of int4 weights. `at` counts chunks: row · chunks + chunk (row-matrix.ts).
// include: weight-codes.int4.wgsl
// include: integer-chunk.wgsl
@group(0) @binding(0) var<storage, read> weights: array<u32>; // [rows, chunks] of 8 columns

fn weightBytes(at: u32) -> vec2<u32> { return codeBytes(weights[at]); }
