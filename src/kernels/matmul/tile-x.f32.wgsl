// x of a workgroup's tokens in workgroup memory, SPANS spans at a time, in f32. From span to span it is an odd number of
// vec4s, so that lanes, each with a span of its own, read from different banks.
// include: no-norm.wgsl
const QUADS = 2u * SPAN_CHUNKS;
const SPAN_STRIDE = QUADS + 1u;

var<workgroup> tileX: array<vec4<f32>, TOKENS * SPANS * SPAN_STRIDE>;

fn quadsOf(t: u32, span: u32) -> u32 { return (t * SPANS + span) * SPAN_STRIDE; }

// Chunk `to` of the tile is that chunk of the token; behind its last there are zeros.
fn putX(t: u32, to: u32, token: u32, chunk: u32) {
  var x = Chunk();
  if (chunk < p.chunks) { x = normed(inputChunk(token, chunk), t, chunk); }
  let at = quadsOf(t, to / SPAN_CHUNKS) + 2u * (to % SPAN_CHUNKS);
  tileX[at] = x.a;
  tileX[at + 1u] = x.b;
}
