// 8 columns of integer weights times 8 of f32 activations: scale · Σ q·x + min · Σ x, the last sum once a token.
struct Weights { codes: Chunk, scaleMin: vec2<f32> }
struct Inputs { values: Chunk, sum: f32 }

fn weightsAt(at: u32) -> Weights { return Weights(weightCodes(at), scaleMin(at)); }

fn inputsAt(token: u32, chunk: u32) -> Inputs {
  let x = inputChunk(token, chunk);
  return Inputs(x, dot(x.a, vec4<f32>(1.0)) + dot(x.b, vec4<f32>(1.0)));
}

fn product(w: Weights, x: Inputs) -> f32 {
  return w.scaleMin.x * (dot(w.codes.a, x.values.a) + dot(w.codes.b, x.values.b)) + w.scaleMin.y * x.sum;
}
