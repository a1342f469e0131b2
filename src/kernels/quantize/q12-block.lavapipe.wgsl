// Rounds one block of 64 features of a token to q12, as q8-block.lavapipe.wgsl does to q8: codes -2047 … 2047, their upper eight
// bits where q8 has its codes, the lower four of column 4l + j in .w from bit 4j on, of 32 + 4l + j from bit 16 + 4j on.
// include: q8-block.lavapipe.wgsl

fn q12Block(a: vec4<f32>, b: vec4<f32>, lane: u32) -> vec4<u32> {
  let scaleA = largestOf(a) / 2047.0;
  let scaleB = largestOf(b) / 2047.0;
  let qa = q8Codes(a, scaleA);
  let qb = q8Codes(b, scaleB);
  let upper = vec2<u32>(pack4xI8(qa >> vec4<u32>(4u)), pack4xI8(qb >> vec4<u32>(4u)));
  let lower = (bitcast<vec4<u32>>(qa) & vec4<u32>(15u)) | ((bitcast<vec4<u32>>(qb) & vec4<u32>(15u)) << vec4<u32>(16u));
  let nibbles = lower.x | (lower.y << 4u) | (lower.z << 8u) | (lower.w << 12u);
  return vec4<u32>(upper, sumsAndScales(qa, qb, scaleA, scaleB, lane), nibbles);
}
