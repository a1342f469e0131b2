// The activation functions, for every kernel that applies one; activation.reference.ts defines them.
override ACTIVATION: u32; // activationCode in activation.ts

fn activated(x: vec4<f32>) -> vec4<f32> {
  if (ACTIVATION == 1u) {
    let inner = 0.7978845608028654 * (x + 0.044715 * x * x * x);
    // Beyond ±15 tanh is ±1 in f32, and some drivers overflow on their way there.
    return 0.5 * x * (1.0 + tanh(clamp(inner, vec4<f32>(-15.0), vec4<f32>(15.0))));
  }
  return x / (1.0 + exp(-x));
}
