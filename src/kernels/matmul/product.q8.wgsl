// The products of matmul.gemv with integer weights and q8 activations: exact sums of integers, then the scales and the minimum.
// Each span lies in one group of x.
// include: span.int4.wgsl
struct Weights { codes: vec4<u32>, scaleMin: u32 }
fn weightsAt(at: u32) -> Weights { return Weights(weights[at], storedScaleMin(at * SPAN_CHUNKS)); }

// x of a workgroup's tokens in workgroup memory, SPANS spans at a time: their codes, an odd number of words from one to the
// next, and their scales.
const WORDS = 2u * SPAN_CHUNKS;
const SPAN_STRIDE = WORDS + 1u;
var<workgroup> tileCodes: array<u32, TOKENS * SPANS * SPAN_STRIDE>;
var<workgroup> tileScales: array<f32, TOKENS * SPANS>;

fn prologue(work: Work, thread: u32) {}

// Chunk `to` of the tile is that chunk of the token; behind its last there are zeros.
fn putX(t: u32, to: u32, token: u32, chunk: u32) {
  var q = vec3<u32>();
  if (chunk < p.chunks) { q = inputCodes(token, chunk); }
  let span = t * SPANS + to / SPAN_CHUNKS;
  let part = to % SPAN_CHUNKS;
  tileCodes[span * SPAN_STRIDE + 2u * part] = q.x;
  tileCodes[span * SPAN_STRIDE + 2u * part + 1u] = q.y;
  if (part == 0u) { tileScales[span] = bitcast<f32>(q.z); }
}

fn tileIsPut(thread: u32) { workgroupBarrier(); }

fn addProducts(sums: ptr<function, array<array<f32, TOKENS>, ROWS>>, w: array<Weights, ROWS>, span: u32) {
  for (var t = 0u; t < TOKENS; t++) {
    let at = t * SPANS + span;
    var x: array<u32, WORDS>;
    var sum = 0;
    for (var i = 0u; i < WORDS; i++) {
      x[i] = tileCodes[at * SPAN_STRIDE + i];
      sum += dot4I8Packed(x[i], 0x01010101u);
    }
    for (var r = 0u; r < ROWS; r++) {
      var codes = 0;
      for (var chunk = 0u; chunk < SPAN_CHUNKS; chunk++) {
        let q = spanBytes(w[r].codes, chunk);
        codes += dot4I8Packed(q.x, x[2u * chunk]) + dot4I8Packed(q.y, x[2u * chunk + 1u]);
      }
      let d = unpack2x16float(w[r].scaleMin);
      (*sums)[r][t] += (d.x * f32(codes + CODE_OFFSET * sum) + d.y * f32(sum)) * tileScales[at];
    }
  }
}
