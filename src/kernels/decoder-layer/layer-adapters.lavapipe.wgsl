// What adapters add inside the fused layer, as functions that its items call, 8 lanes together; the sums are addLora's own. Ranks
// go through memory: items of a phase make those of each token, then the product that they belong to is there to be added to.
// include: ../lora/lora-sums.lavapipe.wgsl

const RANKS = 672u; // of texels: a token's ranks [parts, pairs of groups, 8], one of each group in x and y

// A part in the slot of a token's adapter; no groups where the token has none.
fn adapterOf(weights: LoraWeights, slotTexels: u32, token: u32, part: u32) -> LoraPart {
  let slot = step[p.adapters + token];
  let has = slot != NO_ADAPTER;
  var adapter = loraPart(loraTexel(weights, select(0u, slot, has) * slotTexels + part));
  adapter.groups = select(0u, adapter.groups, has);
  return adapter;
}

fn ranksAt(tokenPart: u32) -> u32 { return p.tokens * RANKS + tokenPart * p.rankPairs * 8u; }

// A block of a token's activations, which begin at `row` in texels.
fn columnsAt(isQ8: bool, row: u32, block: u32, lane: u32) -> Columns {
  if (isQ8) { return q8Columns(texels[row + block * 8u + lane]); }
  let quad = row + block * 16u + lane;
  return Columns(bitcast<vec4<f32>>(texels[quad]), bitcast<vec4<f32>>(texels[quad + 8u]));
}

// Ranks of groups `group` and `group` + 1, to `h` in texels.
fn shrinkPair(
  weights: LoraWeights, adapter: LoraPart, group: u32, h: u32, isQ8: bool, row: u32, blocks: u32, lane: u32,
) {
  if (group >= adapter.groups) { return; }
  let count = min(adapter.groups - group, 2u);
  var at = adapter.a + group * blocks * 64u;
  var sums = vec2<f32>(0.0);
  var block = 0u;
  loop {
    let c = columnsAt(isQ8, row, block, lane);
    for (var i = 0u; i < count; i++) { sums[i ^ hiddenZero()] += blockSum(weights, at + i * blocks * 64u, lane, c); }
    continuing {
      at += 64u;
      block++;
      break if block == blocks;
    }
  }
  let ranks = vec2<f32>(scaledRank(adapter, sums.x), scaledRank(adapter, sums.y));
  texels[h + lane] = vec4<u32>(bitcast<vec2<u32>>(ranks), 0u, 0u);
}

// The sums of 32 rows from `row` of the part on, every eighth in a lane, and B's product of the ranks at `h`.
fn expandRows(
  weights: LoraWeights, adapter: LoraPart, h: u32, row: u32, sums: vec4<f32>, lane: u32,
) -> vec4<f32> {
  if (adapter.groups == 0u) { return sums; }
  let stride = adapter.groups * 8u;
  var at = adapter.b + row / 8u * stride + lane;
  var all = sums;
  var group = 0u;
  loop {
    let ranks = bitcast<vec2<f32>>(texels[h + group * 4u + lane].xy);
    let next = select(0u, 8u, group + 1u < adapter.groups);
    let w0 = pairTexels(weights, at, next);
    let w1 = pairTexels(weights, at + stride, next);
    let w2 = pairTexels(weights, at + 2u * stride, next);
    let w3 = pairTexels(weights, at + 3u * stride, next);
    let h0 = ranksOf(ranks.x);
    let h1 = ranksOf(ranks.y);
    all += vec4<f32>(pairSum(w0, h0, h1), pairSum(w1, h0, h1), pairSum(w2, h0, h1), pairSum(w3, h0, h1));
    continuing {
      at += 16u;
      group += 2u;
      break if group >= adapter.groups;
    }
  }
  return all;
}
