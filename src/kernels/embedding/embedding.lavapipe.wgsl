// Embedding rows out of a matrix in lane layout (matmul/lane-layout.ts): undoes the interleaving for one row.
// A workgroup of 8 lanes owns 64 columns of one token, lane l the columns 8l … 8l + 7.
// A matrix of several textures takes a dispatch each; a token whose row lies in another texture is left alone.
// include: token-id.wgsl
// include: ../texel.wgsl

// at: where the indices begin in step (ids or positions)
struct Params { at: u32, cols: u32, colBlocks: u32, firstRow: u32, rows: u32, scale: f32 }
var<immediate> p: Params;

override FORMAT: u32; // 0 f32, 1 f16, 2 bf16, 3 int8, 4 int4
override GROUP: u32; // columns that share a scale
override UNITS: u32; // units of a row block
override TEXELS: u32; // texels of a unit and column block
override SCALES: u32; // first scale texel of a unit

@group(0) @binding(0) var w: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(1) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(2) var<storage, read> lastTokens: array<u32>; // [maxRequests]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, H]

fn texel(i: u32) -> vec4<u32> { return textureLoad(w, texelPosition(i)); }

// Eight values in two vectors.
struct Columns { a: vec4<f32>, b: vec4<f32> }

// Row r of a row block whose column block begins at texel `base`; columns 8·lane ….
fn load(base: u32, r: u32, lane: u32) -> Columns {
  if (FORMAT <= 2u) {
    let at = base + (r / 8u) * TEXELS * 8u + r % 8u;
    if (FORMAT == 0u) {
      return Columns(bitcast<vec4<f32>>(texel(at + lane * 16u)), bitcast<vec4<f32>>(texel(at + lane * 16u + 8u)));
    }
    let q = texel(at + lane * 8u);
    if (FORMAT == 1u) {
      return Columns(
        vec4<f32>(unpack2x16float(q.x), unpack2x16float(q.y)),
        vec4<f32>(unpack2x16float(q.z), unpack2x16float(q.w)));
    }
    let even = bitcast<vec4<f32>>(q << vec4<u32>(16u));
    let odd = bitcast<vec4<f32>>(q & vec4<u32>(0xffff0000u));
    return Columns(vec4<f32>(even.x, odd.x, even.y, odd.y), vec4<f32>(even.z, odd.z, even.w, odd.w));
  }
  let at = base + (r / 16u) * TEXELS * 8u + r % 8u;
  let isB = (r / 8u) % 2u;
  let group = lane * 8u / GROUP;
  let scales = texel(at + (SCALES + group / 2u) * 8u);
  let scaleMin = unpack2x16float(scales[(group % 2u) * 2u + isB]);
  let q = texel(at + (select(isB * 4u, 0u, FORMAT == 4u) + lane / 2u) * 8u);
  let words = select(q.xy, q.zw, lane % 2u == 1u);
  var a = unpack4xU8(words.x);
  var b = unpack4xU8(words.y);
  if (FORMAT == 4u) {
    let shifts = vec4<u32>(0u, 4u, 8u, 12u) + isB * 16u;
    a = (vec4<u32>(words.x) >> shifts) & vec4<u32>(15u);
    b = (vec4<u32>(words.y) >> shifts) & vec4<u32>(15u);
  }
  return Columns(vec4<f32>(a) * scaleMin.x + scaleMin.y, vec4<f32>(b) * scaleMin.x + scaleMin.y);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = tokenId(wg.y) - p.firstRow;
  if (row >= p.rows) { return; }
  let base = ((row / 64u) * p.colBlocks + wg.x) * UNITS * TEXELS * 8u;
  let columns = load(base, row % 64u, lane);
  let first = wg.x * 64u + lane * 8u;
  for (var j = 0u; j < 4u; j++) {
    let to = wg.y * p.cols + first + j;
    if (first + j < p.cols) { y[to] = columns.a[j] * p.scale; }
    if (first + j + 4u < p.cols) { y[to + 4u] = columns.b[j] * p.scale; }
  }
}
