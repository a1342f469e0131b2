// The codes of int8 weights (row-matrix.ts): a dword has 4 columns, unsigned.

// Those of a format are larger by CODE_OFFSET than the signed bytes that functions give, four to a dword: the top bit flipped.
const CODE_OFFSET = 128;
fn codeBytes(q: vec2<u32>) -> vec2<u32> { return q ^ vec2<u32>(0x80808080u); }
fn codeValues(bytes: u32) -> vec4<f32> { return vec4<f32>(unpack4xU8(bytes ^ 0x80808080u)); }
