// The same of q8 activations (layout: GpuTensor in webgpu-context.ts), as floats.
@group(0) @binding(3) var x: texture_storage_2d<rgba32uint, read>; // [T, blocks of 64, 8 lanes]

struct Columns { first: vec4<f32>, second: vec4<f32> }

fn columnsOf(token: u32, block: u32, lane: u32) -> Columns {
  let texel = textureLoad(x, texelPosition((token * p.blocks + block) * 8u + lane));
  let first = subgroupBroadcast(bitcast<f32>(texel.z), 2u);
  let second = subgroupBroadcast(bitcast<f32>(texel.z), 3u);
  return Columns(vec4<f32>(unpack4xI8(texel.x)) * first, vec4<f32>(unpack4xI8(texel.y)) * second);
}
