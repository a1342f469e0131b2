// The gated delta rule, token by token: delta-rule.reference.ts defines it. An invocation owns one column of the state of one
// value head in one run: nothing is exchanged, and each sum has the order of its own loop.
// include: ../selective-scan/softplus.wgsl
// include: ../step/state-run.wgsl

struct Params { keyHeads: u32, valueHeads: u32, valueDim: u32, gatesWidth: u32, gatesStart: u32, runs: u32, floats: u32, offset: u32 }
var<immediate> p: Params; // runs: where their list begins

const KEY_DIM = 4u;

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [T, 2·Hk·KEY_DIM + Hv·valueDim]
@group(0) @binding(1) var<storage, read> gates: array<f32>; // [T, gatesWidth]: b [Hv] and a [Hv] from gatesStart on
@group(0) @binding(2) var<storage, read> rate: array<f32>; // [Hv]
@group(0) @binding(3) var<storage, read> stepBias: array<f32>; // [Hv]
@group(0) @binding(4) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(5) var<storage, read_write> states: array<f32>; // [rows, floats]: at offset [Hv, KEY_DIM, valueDim]
@group(0) @binding(6) var<storage, read_write> y: array<f32>; // [T, Hv·valueDim]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let column = id.x;
  let head = id.y;
  if (column >= p.valueDim) { return; }
  let run = stateRun(p.runs, id.z);
  let values = p.valueHeads * p.valueDim;
  let keys = p.keyHeads * KEY_DIM;
  let keyHead = head / (p.valueHeads / p.keyHeads);
  let place = p.offset + head * KEY_DIM * p.valueDim + column; // of the column's first element in a row

  var s: array<f32, KEY_DIM>;
  for (var d = 0u; d < KEY_DIM; d++) {
    s[d] = 0.0;
    if (run.before != NO_ROW) { s[d] = states[run.before * p.floats + place + d * p.valueDim]; }
  }
  for (var i = 0u; i < run.count; i++) {
    let token = run.first + i;
    let query = token * (2u * keys + values) + keyHead * KEY_DIM;
    let gate = token * p.gatesWidth + p.gatesStart + head;
    let decay = exp(rate[head] * softplus(gates[gate + p.valueHeads] + stepBias[head]));
    var known = 0.0;
    var squares = 0.0;
    for (var d = 0u; d < KEY_DIM; d++) {
      let k = qkv[query + keys + d];
      s[d] *= decay;
      known += s[d] * k;
      squares += k * k;
    }
    let unit = inverseSqrt(squares + 1e-6);
    let beta = 1.0 / (1.0 + exp(-gates[gate]));
    let value = qkv[token * (2u * keys + values) + 2u * keys + head * p.valueDim + column];
    let change = (value - known * unit) * beta * unit;
    var out = 0.0;
    squares = 0.0;
    for (var d = 0u; d < KEY_DIM; d++) {
      s[d] += qkv[query + keys + d] * change;
      let q = qkv[query + d];
      out += s[d] * q;
      squares += q * q;
    }
    y[token * values + head * p.valueDim + column] = out * inverseSqrt(squares + 1e-6) * inverseSqrt(f32(KEY_DIM));
    let kept = keptIn(run, i + 1u);
    if (kept != NO_ROW) {
      for (var d = 0u; d < KEY_DIM; d++) { states[kept * p.floats + place + d * p.valueDim] = s[d]; }
    }
  }
  for (var d = 0u; d < KEY_DIM; d++) { states[run.behind * p.floats + place + d * p.valueDim] = s[d]; }
}
