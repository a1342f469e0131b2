// The products of matmul.gemv with float weights: a span is a chunk, 16 bytes of f16 and bf16, 32 of f32.
// include: chunk.f32.wgsl
// include: tile-x.f32.wgsl
const SPAN_CHUNKS = 1u;

alias Weights = Stored;
fn weightsAt(at: u32) -> Weights { return storedAt(at); }

fn tileIsPut(thread: u32) { workgroupBarrier(); }

fn addProducts(sums: ptr<function, array<array<f32, TOKENS>, ROWS>>, w: array<Weights, ROWS>, span: u32) {
  for (var r = 0u; r < ROWS; r++) {
    let c = chunkOf(w[r]);
    for (var t = 0u; t < TOKENS; t++) {
      let at = quadsOf(t, span);
      (*sums)[r][t] += dot(c.a, tileX[at]) + dot(c.b, tileX[at + 1u]);
    }
  }
}
