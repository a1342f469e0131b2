// What a run of dimensions that are normalized together has in common, found by a workgroup: where it is LayerNorm the mean, and
// the scale. The kernel binds qkv, array<f32>, and has eps in p. Behind ../group.wgsl.
// include: ../rms-norm/rms.wgsl
override LAYER: u32; // 1: LayerNorm without bias, 0: RMSNorm

struct RunNorm { mean: f32, scale: f32 }

fn runNorm(thread: u32, first: u32, length: u32) -> RunNorm {
  var mean = 0.0;
  if (LAYER == 1u) {
    var sum = 0.0;
    for (var i = thread; i < length; i += SIZE) { sum += qkv[first + i]; }
    mean = groupAdd(thread, sum) / f32(length);
  }
  var squares = 0.0;
  for (var i = thread; i < length; i += SIZE) {
    let v = qkv[first + i] - mean;
    squares += v * v;
  }
  return RunNorm(mean, rmsScale(groupAdd(thread, squares), length, p.eps));
}
