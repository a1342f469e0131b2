// The products of matmul.gemv with integer weights and f32 activations: scale · Σ q·x + min · Σ x, the last sum once for all rows.
// include: span.int4.wgsl
// include: tile-x.f32.wgsl
struct Weights { codes: vec4<u32>, scaleMin: u32 }
fn weightsAt(at: u32) -> Weights { return Weights(weights[at], storedScaleMin(at * SPAN_CHUNKS)); }

var<workgroup> spanSums: array<f32, TOKENS * SPANS>; // Σ x

fn tileIsPut(thread: u32) {
  workgroupBarrier();
  for (var i = thread; i < TOKENS * SPANS; i += THREADS) {
    var sum = vec4<f32>(0.0);
    for (var quad = 0u; quad < QUADS; quad++) { sum += tileX[i * SPAN_STRIDE + quad]; }
    spanSums[i] = dot(sum, vec4<f32>(1.0));
  }
  workgroupBarrier();
}

fn addProducts(sums: ptr<function, array<array<f32, TOKENS>, ROWS>>, w: array<Weights, ROWS>, span: u32) {
  var dots: array<array<f32, TOKENS>, ROWS>;
  for (var chunk = 0u; chunk < SPAN_CHUNKS; chunk++) {
    for (var r = 0u; r < ROWS; r++) {
      let q = spanBytes(w[r].codes, chunk);
      let a = codeValues(q.x);
      let b = codeValues(q.y);
      for (var t = 0u; t < TOKENS; t++) {
        let at = quadsOf(t, span) + 2u * chunk;
        dots[r][t] += dot(a, tileX[at]) + dot(b, tileX[at + 1u]);
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    let d = unpack2x16float(w[r].scaleMin);
    for (var t = 0u; t < TOKENS; t++) { (*sums)[r][t] += d.x * dots[r][t] + d.y * spanSums[t * SPANS + span]; }
  }
}
