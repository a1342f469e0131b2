// y[t, n] = Σ_k x[t, k] · w[n, k], an output an invocation: the definition, to read and to measure the others against. A
// workgroup owns 64 rows of one token.
// include: chunk.f32.wgsl
// include: input.f32.wgsl
// include: ../row-grid.wgsl
// include: output.wgsl
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) row: u32) {
  let work = begin(gridRow(wg.y, wg.z), wg.x * 64u);
  if (isIdle(work)) { return; }
  let token = inputRow(work, 0u);
  let weights0 = weightRow(work, row) * p.chunks;
  var sum = 0.0;
  for (var chunk = 0u; chunk < p.chunks; chunk++) {
    let w = weightChunk(weights0 + chunk);
    let x = inputChunk(token, chunk);
    sum += dot(w.a, x.a) + dot(w.b, x.b);
  }
  store(work, 0u, row, sum);
}
