// Repetition, presence and frequency penalties over the tokens of a row. Two dispatches: STAGE 1 counts, STAGE 2 applies.
// A thread owns one position of one row's tokens. Of all positions that hold a token the first to take its count away
// changes the logit, so each logit changes once and the counts are zero again.

struct Params { columns: u32, offset: u32, tokens: u32, maxLength: u32 }
var<immediate> p: Params;

override STAGE: u32;
const IN_PROMPT = 0x80000000u;

@group(0) @binding(0) var<storage, read_write> logits: array<f32>; // [L, V]
@group(0) @binding(1) var<storage, read> plan: array<u32>; // [P, 5] at `offset`: sampling-plan.ts
@group(0) @binding(2) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(3) var<storage, read> tokenTable: array<u32>; // [maxRequests, maxLength]
@group(0) @binding(4) var<storage, read_write> counts: array<atomic<u32>>; // [P, V] times in the output | IN_PROMPT

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let entry = p.offset + 5u * id.y;
  let row = plan[entry];
  let token = step[4u * p.tokens + row];
  // The row's tokens are those up to the one whose logits these are.
  if (id.x > step[p.tokens + token]) { return; }
  let tokenId = tokenTable[step[2u * p.tokens + token] * p.maxLength + id.x];
  let at = id.y * p.columns + tokenId;
  if (STAGE == 1u) {
    if (id.x < plan[entry + 1u]) { atomicOr(&counts[at], IN_PROMPT); } else { atomicAdd(&counts[at], 1u); }
    return;
  }
  let count = atomicExchange(&counts[at], 0u);
  if (count == 0u) { return; }
  let repetition = bitcast<f32>(plan[entry + 2u]);
  var logit = logits[row * p.columns + tokenId];
  logit = select(logit * repetition, logit / repetition, logit > 0.0);
  let times = count & ~IN_PROMPT;
  if (times > 0u) {
    let frequency = bitcast<f32>(plan[entry + 4u]) * f32(times);
    logit -= bitcast<f32>(plan[entry + 3u]) + frequency;
  }
  logits[row * p.columns + tokenId] = logit;
}
