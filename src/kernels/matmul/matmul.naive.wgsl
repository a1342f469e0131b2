// y[t, n] = Σ_k x[t, k] · w[n, k], an output an invocation: the definition, to read and to measure the others against. A
// workgroup owns 64 rows of one token.
// include: chunk.f32.wgsl
// include: input.f32.wgsl
// include: output.wgsl
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x;
  let token = id.y;
  var sum = 0.0;
  for (var chunk = 0u; chunk < p.chunks; chunk++) {
    let w = weightChunk(min(row, p.sliceRows - 1u) * p.chunks + chunk);
    let x = inputChunk(token, chunk);
    sum += dot(w.a, x.a) + dot(w.b, x.b);
  }
  store(token, row, sum);
}
