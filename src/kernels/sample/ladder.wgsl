// How much lies above each of a row's four thresholds: tokens where top-k is on, else weight; and the weight of all. A
// workgroup owns one slice of one row. Behind group.wgsl.
// include: row.wgsl

@group(0) @binding(3) var<storage, read_write> ladder: array<f32>; // [R, slices, 5]: four thresholds, all

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = readRow(wg.y);
  if (row.inverseTemperature == 0.0) { return; }
  let begin = row.source * p.columns;
  let end = begin + min((wg.x + 1u) * p.slice, p.columns);
  var above = vec4<f32>(0.0);
  var all = 0.0;
  // Sums of sums, so that no rounding error piles up over thousands of terms.
  for (var block = begin + wg.x * p.slice + thread; block < end; block += 16u * SIZE) {
    var blockAbove = vec4<f32>(0.0);
    var blockAll = 0.0;
    for (var i = block; i < min(block + 16u * SIZE, end); i += SIZE) {
      let logit = logits[i];
      let weight = select(0.0, weightOf(logit, row), logit >= row.floor);
      let share = select(weight, 1.0, row.topK > 0u);
      blockAbove += select(vec4<f32>(0.0), vec4<f32>(share), vec4<f32>(logit) >= row.thresholds);
      blockAll += weight;
    }
    above += blockAbove;
    all += blockAll;
  }
  above = groupAdd4(thread, above);
  all = groupAdd(thread, all);
  if (thread == 0u) {
    let at = 5u * (wg.y * p.slices + wg.x);
    for (var j = 0u; j < 4u; j++) { ladder[at + j] = above[j]; }
    ladder[at + 4u] = all;
  }
}
