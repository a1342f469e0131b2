// What the cache holds of a key's or value's four dimensions.
alias Element = f32;
fn stored(v: vec4<f32>) -> vec4<Element> { return vec4<Element>(v); }
