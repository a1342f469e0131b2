// The same of q8 activations, as floats. Needs lora-sums.lavapipe.wgsl.
@group(0) @binding(3) var x: texture_storage_2d<rgba32uint, read>; // [T, blocks of 64, 8 lanes]

fn columnsOf(token: u32, block: u32, lane: u32) -> Columns {
  return q8Columns(textureLoad(x, texelPosition((token * p.blocks + block) * 8u + lane)));
}
