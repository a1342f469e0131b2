// Puts a token's slot into the slot table. The kernel binds step (sections: step/step.ts) and slotTable, and has tokens and
// maxLength in p.
fn storeSlot(token: u32) {
  let position = step[p.tokens + token];
  slotTable[step[2u * p.tokens + token] * p.maxLength + position] = step[3u * p.tokens + token];
}
