// activation(gate) · up of four features; a kernel that has one takes .x.
// include: ../activation/activation.wgsl
fn gated(gate: vec4<f32>, up: vec4<f32>) -> vec4<f32> { return activated(gate) * up; }
