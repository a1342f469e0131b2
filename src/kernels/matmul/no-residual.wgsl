fn residualAt(at: u32) -> f32 { return 0.0; }
