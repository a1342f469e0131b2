// 8 columns of a row of f32 weights, as they are. `at` counts chunks: row · chunks + chunk (row-matrix.ts).
// include: chunk.wgsl
@group(0) @binding(0) var<storage, read> weights: array<vec4<f32>>; // [rows, chunks] of 8 columns

alias Stored = Chunk;
fn storedAt(at: u32) -> Stored { return Chunk(weights[2u * at], weights[2u * at + 1u]); }
fn chunkOf(stored: Stored) -> Chunk { return stored; }
fn weightChunk(at: u32) -> Chunk { return storedAt(at); }
