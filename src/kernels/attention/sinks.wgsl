// In place of no-sinks.wgsl: one for each head.
@group(0) @binding(6) var<storage, read> sinks: array<f32>; // [Hq]
fn sinkOf(head: u32) -> f32 { return sinks[head]; }
