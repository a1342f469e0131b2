// 8 columns of integer weights times 8 of q8 activations: exact sums of integers, then the scales and the minimum.
struct Weights { codes: vec2<u32>, scaleMin: vec2<f32> }
struct Inputs { codes: vec2<u32>, sum: i32, scale: f32 }

fn weightsAt(at: u32) -> Weights { return Weights(weightBytes(at), scaleMin(at)); }

fn inputsAt(token: u32, chunk: u32) -> Inputs {
  let q = inputCodes(token, chunk);
  return Inputs(q.xy, dot4I8Packed(q.x, 0x01010101u) + dot4I8Packed(q.y, 0x01010101u), bitcast<f32>(q.z));
}

fn product(w: Weights, x: Inputs) -> f32 {
  let signed = dot4I8Packed(w.codes.x, x.codes.x) + dot4I8Packed(w.codes.y, x.codes.y);
  return (w.scaleMin.x * f32(signed + CODE_OFFSET * x.sum) + w.scaleMin.y * f32(x.sum)) * x.scale;
}
