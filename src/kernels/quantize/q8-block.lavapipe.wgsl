// Quantizes one block of 64 features of a token to q8 (layout: GpuTensor in webgpu-context.ts), 8 lanes together.
// Lane l brings features 4l … 4l + 3 in `a` and 32 + 4l … in `b`, zeros behind the last feature.
// include: q8.wgsl
// include: eight-lanes.lavapipe.wgsl

fn q8Block(a: vec4<f32>, b: vec4<f32>, lane: u32) -> vec4<u32> {
  let scaleA = q8Scale(largestOf(a));
  let scaleB = q8Scale(largestOf(b));
  let qa = q8Codes(a, scaleA);
  let qb = q8Codes(b, scaleB);
  return vec4<u32>(pack4xI8(qa), pack4xI8(qb), sumsAndScales(qa, qb, scaleA, scaleB, lane), 0u);
}

// .z of a lane: sums of both groups, then scales.
fn sumsAndScales(qa: vec4<i32>, qb: vec4<i32>, scaleA: f32, scaleB: f32, lane: u32) -> u32 {
  let sumA = sumOfLanes(qa.x + qa.y + qa.z + qa.w);
  let sumB = sumOfLanes(qb.x + qb.y + qb.z + qb.w);
  let sum = select(bitcast<u32>(sumA), bitcast<u32>(sumB), (lane & 1u) == 1u);
  let scale = select(bitcast<u32>(scaleA), bitcast<u32>(scaleB), (lane & 1u) == 1u);
  return select(scale, sum, lane < 2u);
}

fn largestOf(v: vec4<f32>) -> f32 {
  let m = abs(v);
  return largestOfLanes(max(max(m.x, m.y), max(m.z, m.w)));
}
