// What each token's adapter adds to the output of a linear layer, where 8 lanes are the whole workgroup (lavapipe). A
// workgroup owns a token. Two groups of 8 ranks at a time: A's sums over the columns, then B's over the ranks, so that nothing
// goes through memory in between.
// include: parts.wgsl
// include: lora-sums.lavapipe.wgsl
// include: columns.f32.lavapipe.wgsl

struct Params {
  rows0: u32, rows1: u32, rows2: u32, parts: u32,
  cols: u32, blocks: u32,
  adapters: u32, // of `step`, in u32
  slotTexels: u32, // of a slot
}
var<immediate> p: Params;

@group(0) @binding(0) var weights: LoraWeights;
@group(0) @binding(2) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, N]

// Adds the ranks of two groups (the second one where `both`) to the part's rows, which begin at `first` in y.
fn addGroups(token: u32, part: LoraPart, group: u32, both: bool, first: u32, rows: u32, lane: u32) {
  let a = part.a + group * p.blocks * 64u;
  let next = select(0u, p.blocks * 64u, both);
  var sum0 = 0.0;
  var sum1 = 0.0;
  for (var block = 0u; block < p.blocks; block++) {
    let c = columnsOf(token, block, lane);
    sum0 += blockSum(weights, a + block * 64u, lane, c);
    sum1 += blockSum(weights, a + next + block * 64u, lane, c);
  }
  let h0 = ranksOf(scaledRank(part, sum0));
  let h1 = ranksOf(select(0.0, scaledRank(part, sum1), both));
  let second = select(0u, 8u, both);
  for (var row = lane; row < (rows + 7u) / 8u * 8u; row += 8u) {
    let b = part.b + (row / 8u * part.groups + group) * 8u + lane;
    let sum = pairSum(pairTexels(weights, b, second), h0, h1);
    if (row < rows) { y[first + row] += sum; }
  }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let token = wg.x;
  let slot = step[p.adapters + token];
  if (slot == NO_ADAPTER) { return; }
  var first = token * rowsInAll();
  for (var i = 0u; i < p.parts; i++) {
    let part = loraPart(loraTexel(weights, slot * p.slotTexels + i));
    let rows = rowsOfPart(i);
    for (var group = 0u; group < part.groups; group += 2u) {
      addGroups(token, part, group, group + 1u < part.groups, first, rows, lane);
    }
    first += rows;
  }
}
