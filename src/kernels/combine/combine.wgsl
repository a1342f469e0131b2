// A token's k rows of y times their weights (+ residual), one invocation an element.
// include: ../matmul/no-residual.wgsl

struct Params { columns: u32, k: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> y: array<f32>; // [T, k, N]
@group(0) @binding(1) var<storage, read> routing: array<f32>; // [T, k, 2]: number, weight
@group(0) @binding(2) var<storage, read_write> combined: array<f32>; // [T, N]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.columns) { return; }
  let at = id.y * p.columns + id.x;
  var sum = residualAt(at);
  for (var pair = id.y * p.k; pair < (id.y + 1u) * p.k; pair++) {
    sum += routing[2u * pair + 1u] * y[pair * p.columns + id.x];
  }
  combined[at] = sum;
}
