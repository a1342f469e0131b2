// The logit that joins a head's softmax beside the keys': none, as one that is masked.
fn sinkOf(head: u32) -> f32 { return -1e30; }
