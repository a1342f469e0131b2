// A query's or key's dimension, normed: RMSNorm with weight i of its kind, or LayerNorm where the mean is off x. The kernel
// binds queryNorm and keyNorm, array<f32>.
// include: ../rms-norm/rms.wgsl
fn headNormed(x: f32, scale: f32, i: u32, isQuery: bool) -> f32 {
  var weight = 0.0;
  if (isQuery) { weight = queryNorm[i]; } else { weight = keyNorm[i]; }
  return rmsNormed(vec4<f32>(x), scale, vec4<f32>(weight)).x;
}
