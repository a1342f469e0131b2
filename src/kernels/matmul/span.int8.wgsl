// 16 columns of a row of int8 weights, a group or half of one: 16 bytes, loaded at once. `at` counts spans.
// include: weight-codes.int8.wgsl
// include: scale-min.wgsl
@group(0) @binding(0) var<storage, read> weights: array<vec4<u32>>; // [rows, chunks / 2] of 2 chunks

const SPAN_CHUNKS = 2u;
fn spanBytes(q: vec4<u32>, chunk: u32) -> vec2<u32> { return codeBytes(select(q.xy, q.zw, chunk == 1u)); }
