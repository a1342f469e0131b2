// 8 columns of float weights times 8 of f32 activations.
alias Weights = Chunk;
alias Inputs = Chunk;

fn weightsAt(at: u32) -> Weights { return weightChunk(at); }
fn inputsAt(token: u32, chunk: u32) -> Inputs { return inputChunk(token, chunk); }
fn product(w: Weights, x: Inputs) -> f32 { return dot(w.a, x.a) + dot(w.b, x.b); }
