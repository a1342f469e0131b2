// Causal convolution of each channel by itself, with the inputs of earlier tokens as state: short-conv.reference.ts defines
// it. An invocation owns one channel of one run and goes through its tokens.
// include: ../activation/activation.wgsl
// include: ../step/state-run.wgsl

struct Params { channels: u32, width: u32, start: u32, runs: u32, floats: u32, offset: u32 } // runs: where their list begins
var<immediate> p: Params;

const TAPS = 4u;
override GATED: u32; // 1: columns are B, C and x of C channels each
override BIASED: u32;
override ACTIVATED: u32; // 0: ACTIVATION is not applied

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, width]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [C, TAPS]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [C]
@group(0) @binding(3) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(4) var<storage, read_write> states: array<f32>; // [rows, floats]: at offset [TAPS - 1, C], oldest first
@group(0) @binding(5) var<storage, read_write> y: array<f32>; // [T, C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let channel = id.x;
  if (channel >= p.channels) { return; }
  let run = stateRun(p.runs, id.y);

  var taps: array<f32, TAPS>;
  var inputs: array<f32, TAPS>; // of the last TAPS tokens, oldest first
  for (var j = 0u; j < TAPS; j++) {
    taps[j] = weight[channel * TAPS + j];
    inputs[j] = 0.0;
    if (j > 0u && run.before != NO_ROW) { inputs[j] = states[run.before * p.floats + p.offset + (j - 1u) * p.channels + channel]; }
  }
  var added = 0.0;
  if (BIASED == 1u) { added = bias[channel]; }

  for (var i = 0u; i < run.count; i++) {
    let token = run.first + i;
    let at = token * p.width + p.start + channel;
    for (var j = 1u; j < TAPS; j++) { inputs[j - 1u] = inputs[j]; }
    var input = x[at];
    if (GATED == 1u) { input *= x[at + 2u * p.channels]; }
    inputs[TAPS - 1u] = input;

    var sum = added;
    for (var j = 0u; j < TAPS; j++) { sum += taps[j] * inputs[j]; }
    if (ACTIVATED == 1u) { sum = activated(vec4<f32>(sum)).x; }
    if (GATED == 1u) { sum *= x[at + p.channels]; }
    y[token * p.channels + channel] = sum;

    let kept = keptIn(run, i + 1u);
    if (kept != NO_ROW) {
      for (var j = 1u; j < TAPS; j++) { states[kept * p.floats + p.offset + (j - 1u) * p.channels + channel] = inputs[j]; }
    }
  }
  for (var j = 1u; j < TAPS; j++) { states[run.behind * p.floats + p.offset + (j - 1u) * p.channels + channel] = inputs[j]; }
}
