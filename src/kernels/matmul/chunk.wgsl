struct Chunk { a: vec4<f32>, b: vec4<f32> } // 8 columns: of weights, or of a token
