// What the kernels that cut and draw share: a row's parameters and the order of its logits. Behind group.wgsl.

struct Params { columns: u32, slices: u32, slice: u32, capacity: u32 }
var<immediate> p: Params;

const NONE = 0xffffffffu;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read> best: array<u32>; // [L] index of each row's largest logit, NONE if one is NaN or +infinity
@group(0) @binding(2) var<storage, read> plan: array<u32>; // [R, 10]: sampling-plan.ts

struct Row {
  source: u32, // row of the logits
  inverseTemperature: f32, // 0: greedy
  topK: u32, // 0: off
  topP: f32,
  u: f32,
  largest: f32, // the largest logit
  floor: f32, // logits below it are out, by min-p or because they are next to impossible
  thresholds: vec4<f32>, // descending: guesses where a cut may lie
}

fn readRow(index: u32) -> Row {
  let at = 10u * index;
  let source = plan[at];
  let isSpoiled = best[source] == NONE;
  let largest = select(logits[source * p.columns + min(best[source], p.columns - 1u)], -1e38, isSpoiled);
  // One addition each: the same bits in every kernel, and on the host.
  let floor = largest + bitcast<f32>(plan[at + 5u]);
  // Where everything is forbidden (mask.wgsl) or the row is spoiled nothing can be drawn.
  let inverseTemperature = select(0.0, bitcast<f32>(plan[at + 1u]), largest > -9e37);
  let offsets = vec4<f32>(
    bitcast<f32>(plan[at + 6u]), bitcast<f32>(plan[at + 7u]), bitcast<f32>(plan[at + 8u]), bitcast<f32>(plan[at + 9u]),
  );
  return Row(
    source,
    inverseTemperature,
    plan[at + 2u],
    bitcast<f32>(plan[at + 3u]),
    bitcast<f32>(plan[at + 4u]),
    largest,
    floor,
    max(vec4<f32>(largest) + offsets, vec4<f32>(floor)),
  );
}

// Relative to the likeliest token's, which is 1.
fn weightOf(logit: f32, row: Row) -> f32 {
  return exp((logit - row.largest) * row.inverseTemperature);
}
