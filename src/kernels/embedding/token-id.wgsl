// The index that a lookup takes for a token: step[p.at + token], or the last token of a row where bit 31 says so. Needs
// the bindings `step` and `lastTokens`.
const LAST_TOKEN_FLAG = 0x80000000u;

fn tokenId(token: u32) -> u32 {
  let id = step[p.at + token];
  if (id >= LAST_TOKEN_FLAG) { return lastTokens[id - LAST_TOKEN_FLAG]; }
  return id;
}
