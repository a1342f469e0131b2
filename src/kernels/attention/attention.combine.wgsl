// Joins the splits of attention.flash.wgsl: `Σ_s exp(m_s - M) · sum_s / Σ_s exp(m_s - M) · weight_s`, M the largest m_s.
// A workgroup owns one head of one token.

struct Params { valueDim: u32, splits: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> parts: array<f32>; // [T, Hq, splits, Dv + 2]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [T, Hq, Dv]

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wg: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let tokenHead = wg.y * grid.x + wg.x;
  let stride = p.valueDim + 2u;
  let first = tokenHead * p.splits * stride;
  var top = parts[first + p.valueDim];
  for (var s = 1u; s < p.splits; s++) { top = max(top, parts[first + s * stride + p.valueDim]); }
  for (var d = thread; d < p.valueDim; d += 64u) {
    var sum = 0.0;
    var weight = 0.0;
    for (var s = 0u; s < p.splits; s++) {
      let at = first + s * stride;
      let factor = exp(parts[at + p.valueDim] - top);
      sum += factor * parts[at + d];
      weight += factor * parts[at + p.valueDim + 1u];
    }
    y[tokenHead * p.valueDim + d] = sum / weight;
  }
}
