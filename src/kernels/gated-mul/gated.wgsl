// activation(gate) · up of four features; a kernel that has one takes .x.
// include: ../activation/activation.wgsl
fn gated(gate: vec4<f32>, up: vec4<f32>) -> vec4<f32> {
  if (ACTIVATION == 5u) { return clampedGated(gate, up); }
  return activated(gate) * up;
}

// swigluoai
fn clampedGated(gate: vec4<f32>, up: vec4<f32>) -> vec4<f32> {
  let g = min(gate, vec4<f32>(7.0));
  let u = clamp(up, vec4<f32>(-7.0), vec4<f32>(7.0));
  return g / (1.0 + exp(-1.702 * g)) * (u + 1.0);
}
