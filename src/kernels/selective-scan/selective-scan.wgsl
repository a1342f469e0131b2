// Mamba-2's scan, token by token: selective-scan.reference.ts defines it. An invocation owns one column of the state of one
// head in one run: nothing is exchanged, and each sum has the order of its own loop.
// include: softplus.wgsl
// include: ../step/state-run.wgsl

// runs: where their list begins
struct Params { heads: u32, headDim: u32, groups: u32, stepsWidth: u32, stepsStart: u32, least: f32, most: f32, runs: u32, floats: u32, offset: u32 }
var<immediate> p: Params;

const STATE_SIZE = 4u;

@group(0) @binding(0) var<storage, read> xbc: array<f32>; // [T, H·P + 2·G·STATE_SIZE]
@group(0) @binding(1) var<storage, read> steps: array<f32>; // [T, stepsWidth]: [H] from stepsStart on
@group(0) @binding(2) var<storage, read> rate: array<f32>; // [H]
@group(0) @binding(3) var<storage, read> stepBias: array<f32>; // [H]
@group(0) @binding(4) var<storage, read> skip: array<f32>; // [H]
@group(0) @binding(5) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(6) var<storage, read_write> states: array<f32>; // [rows, floats]: at offset [H, STATE_SIZE, P]
@group(0) @binding(7) var<storage, read_write> y: array<f32>; // [T, H·P]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let column = id.x;
  let head = id.y;
  if (column >= p.headDim) { return; }
  let run = stateRun(p.runs, id.z);
  let inner = p.heads * p.headDim;
  let group = head / (p.heads / p.groups) * STATE_SIZE;
  let place = p.offset + head * STATE_SIZE * p.headDim + column; // of the column's first element in a row

  var s: array<f32, STATE_SIZE>;
  for (var n = 0u; n < STATE_SIZE; n++) {
    s[n] = 0.0;
    if (run.before != NO_ROW) { s[n] = states[run.before * p.floats + place + n * p.headDim]; }
  }
  for (var i = 0u; i < run.count; i++) {
    let token = run.first + i;
    let row = token * (inner + 2u * p.groups * STATE_SIZE);
    let b = row + inner + group;
    let c = b + p.groups * STATE_SIZE;
    let delta = clamp(softplus(steps[token * p.stepsWidth + p.stepsStart + head] + stepBias[head]), p.least, p.most);
    let decay = exp(rate[head] * delta);
    let x = xbc[row + head * p.headDim + column];
    var out = 0.0;
    for (var n = 0u; n < STATE_SIZE; n++) {
      s[n] = s[n] * decay + xbc[b + n] * (x * delta);
      out += s[n] * xbc[c + n];
    }
    y[token * inner + head * p.headDim + column] = out + skip[head] * x;
    let kept = keptIn(run, i + 1u);
    if (kept != NO_ROW) {
      for (var n = 0u; n < STATE_SIZE; n++) { states[kept * p.floats + place + n * p.headDim] = s[n]; }
    }
  }
  for (var n = 0u; n < STATE_SIZE; n++) { states[run.behind * p.floats + place + n * p.headDim] = s[n]; }
}
