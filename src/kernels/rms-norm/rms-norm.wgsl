// RMSNorm on any GPU: a workgroup owns one token, its sum of squares is reduced through workgroup memory.
// include: features.wgsl
// include: squares.wgsl

struct Params { features: u32, eps: f32 }
var<immediate> p: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let quads = (p.features + 3u) / 4u;
  let scale = rmsScale(groupAdd(thread, squares(thread, wg.x, quads)), p.features, p.eps);
  for (var quad = thread; quad < quads; quad += SIZE) {
    storeFeatures(wg.x, quad, rmsNormed(features(wg.x, quad), scale, weightsOf(quad)));
  }
}
