// Argmax on any GPU. A workgroup owns one slice of one row, reduces it through workgroup memory and writes the index
// of its largest value. Level 1 looks at the columns themselves, level 2 at level 1's winners.
// Among equals the lowest index wins. NONE where a value is NaN or +infinity.
// include: spoiled.wgsl

struct Params { columns: u32, candidates: u32, slice: u32 }
var<immediate> p: Params;

override LEVEL: u32;
const NONE = 0xffffffffu;
const SPOILED = 0xfffffffeu; // an index that wins against all others
const SIZE = 256u;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read> winners: array<u32>; // [L, candidates], read on level 2 only
@group(0) @binding(2) var<storage, read_write> best: array<u32>; // [L, slices]

var<workgroup> values: array<f32, SIZE>;
var<workgroup> indices: array<u32, SIZE>;

fn better(value: f32, index: u32, thanValue: f32, thanIndex: u32) -> bool {
  if (index == SPOILED || thanIndex == SPOILED) { return index == SPOILED; }
  if (index == NONE || thanIndex == NONE) { return thanIndex == NONE; }
  return value > thanValue || (value == thanValue && index < thanIndex);
}

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let end = min((wg.x + 1u) * p.slice, p.candidates);
  var largest = 0.0;
  var index = NONE;
  for (var i = wg.x * p.slice + thread; i < end; i += SIZE) {
    var column = i;
    if (LEVEL == 2u) { column = winners[wg.y * p.candidates + i]; }
    let value = x[wg.y * p.columns + min(column, p.columns - 1u)];
    if (column == NONE || isSpoiled(value)) { column = SPOILED; }
    if (better(value, column, largest, index)) {
      largest = value;
      index = column;
    }
  }
  values[thread] = largest;
  indices[thread] = index;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half && better(values[thread + half], indices[thread + half], values[thread], indices[thread])) {
      values[thread] = values[thread + half];
      indices[thread] = indices[thread + half];
    }
  }
  if (thread == 0u) { best[wg.y * grid.x + wg.x] = select(indices[0], NONE, indices[0] == SPOILED); }
}
