// 8 columns of a token, of q8 `x: array<u32>` (layout: GpuTensor in webgpu-context.ts): their codes in two dwords with
// the bits of their scale, and as floats.
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
