// 32 columns of a row of int4 weights, a group: 16 bytes, loaded at once. `at` counts spans.
// include: weight-codes.int4.wgsl
// include: scale-min.wgsl
@group(0) @binding(0) var<storage, read> weights: array<vec4<u32>>; // [rows, chunks / 4] of 4 chunks

const SPAN_CHUNKS = 4u;
fn spanBytes(q: vec4<u32>, chunk: u32) -> vec2<u32> { return codeBytes(q[chunk]); }
