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
  let x0 = c.first * HALF_POWER;
  let x1 = c.second * HALF_POWER;
  let sum = eightProducts(w0, subgroupBroadcast(x0, 0u), subgroupBroadcast(x0, 1u))
    + eightProducts(w1, subgroupBroadcast(x0, 2u), subgroupBroadcast(x0, 3u))
    + eightProducts(w2, subgroupBroadcast(x0, 4u), subgroupBroadcast(x0, 5u))
    + eightProducts(w3, subgroupBroadcast(x0, 6u), subgroupBroadcast(x0, 7u))
    + eightProducts(w4, subgroupBroadcast(x1, 0u), subgroupBroadcast(x1, 1u))
    + eightProducts(w5, subgroupBroadcast(x1, 2u), subgroupBroadcast(x1, 3u))
    + eightProducts(w6, subgroupBroadcast(x1, 4u), subgroupBroadcast(x1, 5u))
    + eightProducts(w7, subgroupBroadcast(x1, 6u), subgroupBroadcast(x1, 7u));
  return sum * HALF_POWER;
}

// 8 ranks of a token, of which each lane has one, in all lanes, times HALF_POWER.
struct Ranks { first: vec4<f32>, second: vec4<f32> }

fn ranksOf(rank: f32) -> Ranks {
  let h = rank * HALF_POWER;
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
  return (eightProducts(w.first, h0.first, h0.second) + eightProducts(w.second, h1.first, h1.second)) * HALF_POWER;
}
