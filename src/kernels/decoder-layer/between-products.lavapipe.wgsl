// What a decoder layer does between its products on lavapipe, as functions that the items of decoder-layer.lavapipe.wgsl.ts
// call, 8 lanes together. The formulas are the ops' own files. In front of generated text, which sets the constants.
// include: ../rms-norm/rms.wgsl
// include: ../rotary-embedding/rotate.wgsl
// include: ../kv-cache/cache.f32.wgsl
// include: ../kv-cache/store-slot.wgsl
// include: ../gated-mul/gated.wgsl
// include: ../quantize/q12-block.lavapipe.wgsl

const HIDDEN = 576u; // H
const INTERMEDIATE = 1536u; // I
const KV_HEADS = 3u; // Hkv
const GROUP = 3u; // query heads of a KV head
const ROTARY_DIM = 64u; // dimensions that rotate
const EPS = 0.00001;
// Where the sections of the scratch buffers begin, in elements a token: scratchLayout in layer-spec.ts.
const MID = 960u; // of floats: the residual stream behind attention [T, H]
const GATE_UP = 1536u; // of floats [T, 2·I]
const ATTENDED = 144u; // of texels: f32 [T, Hq·D / 4]
const ATTENDED_Q8 = 288u; // of texels: q8 [T, Hq·D / 8]
const NORMED_Q8 = 360u; // of texels: q8 [T, H / 8]
const ACTIVATED_Q8 = 432u; // of texels: q8 [T, I / 8]
const INPUT_Q12 = 624u; // of texels: q12 [T, H / 8]
const KEPT = 0u; // 1: normed x stays as f32, too, for adapters

@group(0) @binding(4) var<storage, read> x: array<f32>; // [T, H]
@group(0) @binding(5) var<storage, read> inputNorm: array<vec4<f32>>; // [H / 4]
@group(0) @binding(6) var<storage, read> postAttentionNorm: array<vec4<f32>>; // [H / 4]
@group(0) @binding(7) var<storage, read> table: array<f32>; // [maxLength or T, rotaryDim]: cosines, then sines
@group(0) @binding(8) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(9) var<storage, read_write> slotTable: array<u32>; // [maxRequests, maxLength]
@group(0) @binding(10) var<storage, read_write> keys: array<Stored>; // [slots, Hkv, D]
@group(0) @binding(11) var<storage, read_write> values: array<Stored>; // [slots, Hkv, D]
@group(0) @binding(12) var<storage, read_write> floats: array<f32>; // sections from 0: queries, keys and values; MID; GATE_UP
@group(0) @binding(13) var<storage, read_write> texels: array<vec4<u32>>; // sections from 0: normed x, f32 [T, H / 4], if KEPT; ATTENDED …
@group(0) @binding(14) var<storage, read_write> y: array<f32>; // [T, H]

// 0, which the compiler cannot see through: loops that end so much later are not unrolled, nor those that index an array by
// their counter ^ 0. Each load and store in the text takes the compiler some tenths of a second (docs/kernels.md).
fn hiddenZero() -> u32 { return p.tokens >> 31u; }

fn floatQuad(i: u32) -> vec4<f32> {
  return vec4<f32>(floats[4u * i], floats[4u * i + 1u], floats[4u * i + 2u], floats[4u * i + 3u]);
}

fn xQuad(i: u32) -> vec4<f32> { return vec4<f32>(x[4u * i], x[4u * i + 1u], x[4u * i + 2u], x[4u * i + 3u]); }

// Normed x, q12; sums in the order of rms-norm.lavapipe.wgsl.
fn normInput(token: u32, lane: u32) {
  let row = token * HIDDEN;
  var squares = 0.0;
  for (var i = lane; i < HIDDEN + hiddenZero(); i += 8u) {
    let v = x[row + i];
    squares += v * v;
  }
  let scale = rmsScale(subgroupAdd(squares), HIDDEN, EPS);
  for (var block = 0u; block < HIDDEN / 64u + hiddenZero(); block++) {
    let i = block * 16u + lane;
    let a = rmsNormed(xQuad(row / 4u + i), scale, inputNorm[i]);
    let b = rmsNormed(xQuad(row / 4u + i + 8u), scale, inputNorm[i + 8u]);
    texels[p.tokens * INPUT_Q12 + (token * HIDDEN / 64u + block) * 8u + lane] = q12Block(a, b, lane);
    if (KEPT == 1u) {
      texels[row / 4u + i] = bitcast<vec4<u32>>(a);
      texels[row / 4u + i + 8u] = bitcast<vec4<u32>>(b);
    }
  }
}

// Normed mid, q8; sums in the order of rms-norm.q8.lavapipe.wgsl.
fn normMid(token: u32, lane: u32) {
  let row = (p.tokens * MID + token * HIDDEN) / 4u;
  var squares = vec4<f32>(0.0);
  for (var i = lane; i < HIDDEN / 4u + hiddenZero(); i += 8u) {
    let v = floatQuad(row + i);
    squares += v * v;
  }
  let scale = rmsScale(subgroupAdd(squares.x + squares.y + squares.z + squares.w), HIDDEN, EPS);
  for (var block = 0u; block < HIDDEN / 64u + hiddenZero(); block++) {
    let i = block * 16u + lane;
    let a = rmsNormed(floatQuad(row + i), scale, postAttentionNorm[i]);
    let b = rmsNormed(floatQuad(row + i + 8u), scale, postAttentionNorm[i + 8u]);
    texels[p.tokens * NORMED_Q8 + (token * HIDDEN / 64u + block) * 8u + lane] = q8Block(a, b, lane);
  }
}

// Where head `head` of a token (queries, then keys, then values) begins in floats.
fn headStart(token: u32, head: u32) -> u32 { return (token * (GROUP + 2u) * KV_HEADS + head) * HEAD_DIM; }

// Rotates the queries and the key of a KV head where they are.
fn rotateHeads(token: u32, kvHead: u32, position: u32, lane: u32) {
  let half = ROTARY_DIM / 2u;
  let row = tableRow(token, position) * ROTARY_DIM;
  for (var turn = 0u; turn < (half + 7u) / 8u + hiddenZero(); turn++) {
    let pair = turn * 8u + lane;
    if (pair >= half) { continue; }
    let at = pairAt(pair, half);
    let cosine = table[row + pair];
    let sine = table[row + half + pair];
    for (var i = 0u; i <= GROUP + hiddenZero(); i++) {
      let head = select(GROUP * KV_HEADS + kvHead, kvHead * GROUP + i, i < GROUP);
      rotatePair(headStart(token, head) + at, cosine, sine);
    }
  }
}

fn rotatePair(at: vec2<u32>, cosine: f32, sine: f32) {
  let turned = rotated(vec2<f32>(floats[at.x], floats[at.y]), cosine, sine);
  floats[at.x] = turned.x;
  floats[at.y] = turned.y;
}

// Key and value of a KV head to the token's slot; a lane owns a unit.
fn storeHead(token: u32, kvHead: u32, lane: u32) {
  let key = headStart(token, GROUP * KV_HEADS + kvHead) / 4u;
  let value = headStart(token, (GROUP + 1u) * KV_HEADS + kvHead) / 4u;
  let slotHead = step[3u * p.tokens + token] * KV_HEADS + kvHead;
  for (var i = lane; i < 2u * UNITS + hiddenZero(); i += 8u) {
    let isKey = i < UNITS;
    let unit = i % UNITS;
    let begin = select(value, key, isKey) + unit * UNIT_QUADS;
    var v: array<vec4<f32>, UNIT_QUADS>;
    for (var q = 0u; q < UNIT_QUADS + hiddenZero(); q++) { v[q ^ hiddenZero()] = floatQuad(begin + q); }
    let part = select(VALUES, KEYS, isKey);
    let words = storedUnit(part, v);
    let to = headAt(part, slotHead) + unit * unitSize(part);
    for (var w = 0u; w < unitSize(part) + hiddenZero(); w++) {
      let word = words[w ^ hiddenZero()];
      if (isKey) { keys[to + w] = word; } else { values[to + w] = word; }
    }
  }
}

// Attended, q8: the query heads of a KV head.
fn quantizeAttended(token: u32, kvHead: u32, lane: u32) {
  let blocks = GROUP * HEAD_DIM / 64u;
  for (var i = 0u; i < blocks + hiddenZero(); i++) {
    let block = (token * KV_HEADS + kvHead) * blocks + i;
    let start = p.tokens * ATTENDED + block * 16u + lane;
    let a = bitcast<vec4<f32>>(texels[start]);
    let b = bitcast<vec4<f32>>(texels[start + 8u]);
    texels[p.tokens * ATTENDED_Q8 + block * 8u + lane] = q8Block(a, b, lane);
  }
}

// activation(gate) · up, q8: 64 columns.
fn gateColumns(token: u32, column: u32, lane: u32) {
  let gate = (p.tokens * GATE_UP + token * 2u * INTERMEDIATE) / 4u + column * 16u + lane;
  let up = gate + INTERMEDIATE / 4u;
  let a = gated(floatQuad(gate), floatQuad(up));
  let b = gated(floatQuad(gate + 8u), floatQuad(up + 8u));
  texels[p.tokens * ACTIVATED_Q8 + (token * INTERMEDIATE / 64u + column) * 8u + lane] = q8Block(a, b, lane);
}
