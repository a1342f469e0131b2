// The codes of int4 weights (row-matrix.ts): a dword has 8 columns, byte j columns j and j + 4.

// Those of a format are larger by CODE_OFFSET than the signed bytes that functions give, four to a dword.
const CODE_OFFSET = 0;
fn codeBytes(q: u32) -> vec2<u32> { return vec2<u32>(q & 0x0f0f0f0fu, (q >> 4u) & 0x0f0f0f0fu); }
fn codeValues(bytes: u32) -> vec4<f32> { return vec4<f32>(unpack4xU8(bytes)); }
