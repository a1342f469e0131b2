// Embedding rows out of a matrix in row layout (matmul/row-matrix.ts): an invocation owns a chunk of 8 columns of one token.
// A matrix of several slices takes a dispatch each; a token whose row lies in another slice is left alone.
// include: ../matmul/chunk.f32.wgsl
// include: token-id.wgsl

// at: where the indices begin in step (ids or positions)
struct Params { at: u32, cols: u32, chunks: u32, firstRow: u32, rows: u32, scale: f32 }
var<immediate> p: Params;

@group(0) @binding(2) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(3) var<storage, read> lastTokens: array<u32>; // [maxRequests]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, H]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = tokenId(id.y) - p.firstRow;
  if (id.x >= p.chunks || row >= p.rows) { return; }
  let c = weightChunk(row * p.chunks + id.x);
  for (var j = 0u; j < 4u; j++) {
    let k = id.x * 8u + j;
    if (k < p.cols) { y[id.y * p.cols + k] = c.a[j] * p.scale; }
    if (k + 4u < p.cols) { y[id.y * p.cols + k + 4u] = c.b[j] * p.scale; }
  }
}
