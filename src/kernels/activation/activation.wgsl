// The activation functions, for every kernel that applies one; activation.reference.ts defines them.
override ACTIVATION: u32; // activationCode in activation.ts

// x/2 · (1 + erf(x/√2)) as max(x, 0) - |x|/2 · erfc(|x|/√2): Abramowitz and Stegun 1964, 7.1.26, within 1.5e-7.
fn exactGelu(x: vec4<f32>) -> vec4<f32> {
  let z = abs(x) * 0.7071067811865476;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return max(x, vec4<f32>(0.0)) - 0.5 * abs(x) * sum * exp(-z * z);
}

fn activated(x: vec4<f32>) -> vec4<f32> {
  if (ACTIVATION == 1u) {
    let inner = 0.7978845608028654 * (x + 0.044715 * x * x * x);
    // Beyond ±15 tanh is ±1 in f32, and some drivers overflow on their way there.
    return 0.5 * x * (1.0 + tanh(clamp(inner, vec4<f32>(-15.0), vec4<f32>(15.0))));
  }
  if (ACTIVATION == 2u) { return exactGelu(x); }
  if (ACTIVATION >= 3u) {
    let positive = max(x, vec4<f32>(0.0));
    return select(positive, positive * positive, ACTIVATION == 4u);
  }
  return x / (1.0 + exp(-x));
}
