// log(1 + exp(x)), for what grows or decays by a step.
fn softplus(x: f32) -> f32 { return max(x, 0.0) + log(1.0 + exp(-abs(x))); }
