// The sums of an adapter's two products, 8 lanes together (lavapipe), for the op by itself and in a fused layer: lane r has row r
// of a group of A's, then lane n row n of B's. A token's sums have one order: A's over blocks of 64 columns, B's over pairs of
// groups of 8 ranks.
// include: slot.wgsl
// include: eight.wgsl
// include: ../texel.wgsl
diagnostic(off, subgroup_uniformity);
enable subgroups;

alias LoraWeights = texture_storage_2d<rgba32uint, read>; // texels of all slots (lora-layout.ts)

fn loraTexel(weights: LoraWeights, i: u32) -> vec4<u32> { return textureLoad(weights, texelPosition(i)); }

// 64 columns of a token: each lane has four of the first half and four of the second.
struct Columns { first: vec4<f32>, second: vec4<f32> }

// Of a block of q8 activations (layout: GpuTensor in webgpu-context.ts), as floats.
fn q8Columns(texel: vec4<u32>) -> Columns {
  let first = subgroupBroadcast(bitcast<f32>(texel.z), 2u);
  let second = subgroupBroadcast(bitcast<f32>(texel.z), 3u);
  return Columns(vec4<f32>(unpack4xI8(texel.x)) * first, vec4<f32>(unpack4xI8(texel.y)) * second);
}

// Row `lane` of 8 rows of A, whose texels begin at `at`, times 64 columns.
fn blockSum(weights: LoraWeights, at: u32, lane: u32, c: Columns) -> f32 {
  let i = at + lane;
  let w0 = loraTexel(weights, i);
  let w1 = loraTexel(weights, i + 8u);
  let w2 = loraTexel(weights, i + 16u);
  let w3 = loraTexel(weights, i + 24u);
  let w4 = loraTexel(weights, i + 32u);
  let w5 = loraTexel(weights, i + 40u);
  let w6 = loraTexel(weights, i + 48u);
  let w7 = loraTexel(weights, i + 56u);
  return eightProducts(w0, subgroupBroadcast(c.first, 0u), subgroupBroadcast(c.first, 1u))
    + eightProducts(w1, subgroupBroadcast(c.first, 2u), subgroupBroadcast(c.first, 3u))
    + eightProducts(w2, subgroupBroadcast(c.first, 4u), subgroupBroadcast(c.first, 5u))
    + eightProducts(w3, subgroupBroadcast(c.first, 6u), subgroupBroadcast(c.first, 7u))
    + eightProducts(w4, subgroupBroadcast(c.second, 0u), subgroupBroadcast(c.second, 1u))
    + eightProducts(w5, subgroupBroadcast(c.second, 2u), subgroupBroadcast(c.second, 3u))
    + eightProducts(w6, subgroupBroadcast(c.second, 4u), subgroupBroadcast(c.second, 5u))
    + eightProducts(w7, subgroupBroadcast(c.second, 6u), subgroupBroadcast(c.second, 7u));
}

// 8 ranks of a token, of which each lane has one, in all lanes.
struct Ranks { first: vec4<f32>, second: vec4<f32> }

fn ranksOf(h: f32) -> Ranks {
  return Ranks(
    vec4<f32>(subgroupBroadcast(h, 0u), subgroupBroadcast(h, 1u), subgroupBroadcast(h, 2u), subgroupBroadcast(h, 3u)),
    vec4<f32>(subgroupBroadcast(h, 4u), subgroupBroadcast(h, 5u), subgroupBroadcast(h, 6u), subgroupBroadcast(h, 7u)));
}

// This lane's row of B for two groups of ranks: texel `at` for the first one, texel `at + next` for the other.
struct PairTexels { first: vec4<u32>, second: vec4<u32> }

fn pairTexels(weights: LoraWeights, at: u32, next: u32) -> PairTexels {
  return PairTexels(loraTexel(weights, at), loraTexel(weights, at + next));
}

// The row times a token's ranks.
fn pairSum(w: PairTexels, h0: Ranks, h1: Ranks) -> f32 {
  return eightProducts(w.first, h0.first, h0.second) + eightProducts(w.second, h1.first, h1.second);
}
