// Items taken and done by earlier dispatches, together.
struct Params { tokens: u32, taken: u32, done: u32, maxLength: u32 }
