// The squares of a row of x that a thread of rms-norm.wgsl, or of a product that norms, adds up; groupAdd adds theirs. Both have
// SIZE threads, so that a row's scale has the same bits.
// include: rms.wgsl
// include: ../group.wgsl
fn squares(thread: u32, row: u32, quads: u32) -> f32 {
  var sum = vec4<f32>(0.0);
  for (var quad = thread; quad < quads; quad += SIZE) {
    let v = features(row, quad);
    sum += v * v;
  }
  return sum.x + sum.y + sum.z + sum.w;
}
