// Argmax where one subgroup of 8 lanes is the whole workgroup (lavapipe). A workgroup owns one slice of one row and
// writes the index of its largest value. Level 1 looks at the columns themselves, level 2 at level 1's winners.
// Ascending order and strict comparisons keep the lowest index among equals. NONE where a value is NaN or +infinity.
// include: spoiled.wgsl
enable subgroups;

struct Params { columns: u32, candidates: u32, slice: u32 }
var<immediate> p: Params;

override LEVEL: u32;
const NONE = 0xffffffffu;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read> winners: array<u32>; // [L, candidates], read on level 2 only
@group(0) @binding(2) var<storage, read_write> best: array<u32>; // [L, slices]

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let end = min((wg.x + 1u) * p.slice, p.candidates);
  var largest = 0.0;
  var index = NONE;
  var spoiled = false;
  for (var i = wg.x * p.slice + lane; i < end; i += 8u) {
    var column = i;
    if (LEVEL == 2u) { column = winners[wg.y * p.candidates + i]; }
    spoiled = spoiled || column == NONE;
    let value = x[wg.y * p.columns + min(column, p.columns - 1u)];
    spoiled = spoiled || isSpoiled(value);
    if (index == NONE || value > largest) {
      largest = value;
      index = column;
    }
  }
  let top = subgroupMax(select(-3.4e38, largest, index != NONE));
  // Where every value is below -3.4e38 no lane holds `top`: any lane with a value may then win.
  let holds = index != NONE && (largest == top || top <= -3.4e38);
  let winner = subgroupMin(select(NONE, index, holds));
  best[wg.y * grid.x + wg.x] = select(winner, NONE, subgroupAny(spoiled));
}
