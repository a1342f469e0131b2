// f32 → q8 on any GPU. An invocation owns one block of 64 features of one token and writes the block's 8 texels.
// include: ../row-grid.wgsl
// include: q8.wgsl

struct Params { features: u32, tokens: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>; // [T, H / 4]
@group(0) @binding(1) var<storage, read_write> y: array<vec4<u32>>; // [T, blocks of 64, 8 lanes]

struct Group { codes: array<u32, 8>, sum: i32, scale: f32 }

// 32 features from quad `first` on; quads at or behind `end` count as zeros.
fn quantizeGroup(first: u32, end: u32) -> Group {
  var largest = 0.0;
  for (var i = 0u; i < 8u; i++) {
    if (first + i < end) {
      let m = abs(x[first + i]);
      largest = max(largest, max(max(m.x, m.y), max(m.z, m.w)));
    }
  }
  var g: Group;
  g.scale = q8Scale(largest);
  for (var i = 0u; i < 8u; i++) {
    var q = vec4<i32>(0);
    if (first + i < end) { q = q8Codes(x[first + i], g.scale); }
    g.codes[i] = pack4xI8(q);
    g.sum += q.x + q.y + q.z + q.w;
  }
  return g;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let own = gridRow(wg.x, wg.z) * 64u + thread;
  let quads = p.features / 4u;
  let blocks = (quads + 15u) / 16u;
  if (own >= p.tokens * blocks) { return; }
  let token = own / blocks;
  let first = token * quads + (own % blocks) * 16u;
  let end = (token + 1u) * quads;
  var a = quantizeGroup(first, end);
  var b = quantizeGroup(first + 8u, end);
  var extra = array<u32, 8>(
    bitcast<u32>(a.sum), bitcast<u32>(b.sum), bitcast<u32>(a.scale), bitcast<u32>(b.scale), 0u, 0u, 0u, 0u);
  for (var lane = 0u; lane < 8u; lane++) {
    y[own * 8u + lane] = vec4<u32>(a.codes[lane], b.codes[lane], extra[lane], 0u);
  }
}
