// In place of no-norm.wgsl: each workgroup norms its tokens on their way into the tile (../rms-norm/rms-norm.wgsl, with the same
// sums).
// include: ../rms-norm/squares.wgsl
override NORM_EPS: f32;
@group(0) @binding(6) var<storage, read> normWeight: array<vec4<f32>>; // [K / 4]

var<workgroup> rowScales: array<f32, TOKENS>;

fn features(token: u32, quad: u32) -> vec4<f32> { return x[token * (p.cols / 4u) + quad]; }

fn prologue(work: Work, thread: u32) {
  for (var t = 0u; t < TOKENS; t++) {
    let scale = rmsScale(groupAdd(thread, squares(thread, inputRow(work, t), p.cols / 4u)), p.cols, NORM_EPS);
    if (thread == 0u) { rowScales[t] = scale; }
  }
}

fn normed(x: Chunk, t: u32, chunk: u32) -> Chunk {
  let scale = rowScales[t];
  return Chunk(rmsNormed(x.a, scale, normWeight[2u * chunk]), rmsNormed(x.b, scale, normWeight[2u * chunk + 1u]));
}
