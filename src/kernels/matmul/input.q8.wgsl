// 8 columns of a token of q8 activations (layout: GpuTensor in webgpu-context.ts): their codes in two dwords with the bits
// of their scale, and as floats.
// include: chunk.wgsl
@group(0) @binding(2) var<storage, read> x: array<u32>; // [T, blocks of 64, 8 lanes, 4] q8

fn inputCodes(token: u32, chunk: u32) -> vec3<u32> {
  let block = (token * ((p.chunks + 7u) / 8u) + chunk / 8u) * 32u;
  let half = (chunk / 4u) % 2u;
  let lane = (chunk % 4u) * 2u;
  return vec3<u32>(x[block + lane * 4u + half], x[block + lane * 4u + 4u + half], x[block + (2u + half) * 4u + 2u]);
}

fn inputChunk(token: u32, chunk: u32) -> Chunk {
  let q = inputCodes(token, chunk);
  let scale = bitcast<f32>(q.z);
  return Chunk(vec4<f32>(unpack4xI8(q.x)) * scale, vec4<f32>(unpack4xI8(q.y)) * scale);
}
