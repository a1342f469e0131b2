// Two dimensions of a query or key head of qkv [T, (Hq + 2·Hkv)·D], rotated. The kernel binds qkv, table and step, has the params
// tokens, heads (Hq), kvHeads and rotaryDim, and knows HEAD_DIM.
// include: rotate.wgsl

// Where a head of a token begins in qkv.
fn headStart(token: u32, head: u32) -> u32 { return (token * (p.heads + 2u * p.kvHeads) + head) * HEAD_DIM; }

// Two dimensions of a head, rotated.
fn turnedPair(token: u32, head: u32, pair: u32) -> vec2<f32> {
  let half = p.rotaryDim / 2u;
  let at = headStart(token, head) + pairAt(pair, half);
  let v = vec2<f32>(qkv[at.x], qkv[at.y]);
  if (pair >= half) { return v; }
  let row = tableRow(token, step[p.tokens + token]) * p.rotaryDim;
  return rotated(v, table[row + pair], table[row + half + pair]);
}
