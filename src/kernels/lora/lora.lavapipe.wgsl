// What each token's adapter adds to the output of a linear layer, where 8 lanes are the whole workgroup (lavapipe). A
// workgroup owns a token. Two groups of 8 ranks at a time: lane r sums row r of A over the columns, then lane n row n of B over
// the ranks, so that nothing goes through memory in between.
// include: parts.wgsl
// include: eight.wgsl
// include: ../texel.wgsl
// include: columns.f32.lavapipe.wgsl
diagnostic(off, subgroup_uniformity);
enable subgroups;

struct Params { rows0: u32, rows1: u32, rows2: u32, parts: u32, cols: u32, blocks: u32, adapters: u32 } // of `step`, in u32
var<immediate> p: Params;

@group(0) @binding(0) var weights: texture_storage_2d<rgba32uint, read>; // texels: lora-layout.ts
@group(0) @binding(1) var<storage, read> table: array<vec4<u32>>; // [slots, parts]
@group(0) @binding(2) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, N]

fn weight(i: u32) -> vec4<u32> { return textureLoad(weights, texelPosition(i)); }

// Row `lane` of 8 rows of A, whose texels begin at `at`, times 64 columns.
fn blockSum(at: u32, lane: u32, c: Columns) -> f32 {
  let i = at + lane;
  let w0 = weight(i);
  let w1 = weight(i + 8u);
  let w2 = weight(i + 16u);
  let w3 = weight(i + 24u);
  let w4 = weight(i + 32u);
  let w5 = weight(i + 40u);
  let w6 = weight(i + 48u);
  let w7 = weight(i + 56u);
  return eightProducts(w0, subgroupBroadcast(c.first, 0u), subgroupBroadcast(c.first, 1u))
    + eightProducts(w1, subgroupBroadcast(c.first, 2u), subgroupBroadcast(c.first, 3u))
    + eightProducts(w2, subgroupBroadcast(c.first, 4u), subgroupBroadcast(c.first, 5u))
    + eightProducts(w3, subgroupBroadcast(c.first, 6u), subgroupBroadcast(c.first, 7u))
    + eightProducts(w4, subgroupBroadcast(c.second, 0u), subgroupBroadcast(c.second, 1u))
    + eightProducts(w5, subgroupBroadcast(c.second, 2u), subgroupBroadcast(c.second, 3u))
    + eightProducts(w6, subgroupBroadcast(c.second, 4u), subgroupBroadcast(c.second, 5u))
    + eightProducts(w7, subgroupBroadcast(c.second, 6u), subgroupBroadcast(c.second, 7u));
}

// The sums of all lanes, in all lanes.
struct Ranks { first: vec4<f32>, second: vec4<f32> }

fn ranksOf(sum: f32) -> Ranks {
  return Ranks(
    vec4<f32>(
      subgroupBroadcast(sum, 0u), subgroupBroadcast(sum, 1u), subgroupBroadcast(sum, 2u), subgroupBroadcast(sum, 3u)),
    vec4<f32>(
      subgroupBroadcast(sum, 4u), subgroupBroadcast(sum, 5u), subgroupBroadcast(sum, 6u), subgroupBroadcast(sum, 7u)));
}

// Adds the ranks of two groups (the second one where `both`) to the part's rows, which begin at `first` in y.
fn addGroups(token: u32, part: LoraPart, group: u32, both: bool, first: u32, rows: u32, lane: u32) {
  let a = part.a + group * p.blocks * 64u;
  let next = select(0u, p.blocks * 64u, both);
  var sum0 = 0.0;
  var sum1 = 0.0;
  for (var block = 0u; block < p.blocks; block++) {
    let c = columnsOf(token, block, lane);
    sum0 += blockSum(a + block * 64u, lane, c);
    sum1 += blockSum(a + next + block * 64u, lane, c);
  }
  let h0 = ranksOf(part.scale * sum0);
  let h1 = ranksOf(select(0.0, part.scale * sum1, both));
  let second = select(0u, 8u, both);
  for (var row = lane; row < (rows + 7u) / 8u * 8u; row += 8u) {
    let b = part.b + (row / 8u * part.groups + group) * 8u + lane;
    let sum = eightProducts(weight(b), h0.first, h0.second) + eightProducts(weight(b + second), h1.first, h1.second);
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
    let part = loraPart(table[slot * p.parts + i]);
    let rows = rowsOfPart(i);
    for (var group = 0u; group < part.groups; group += 2u) {
      addGroups(token, part, group, group + 1u < part.groups, first, rows, lane);
    }
    first += rows;
  }
}
