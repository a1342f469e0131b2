// lastTokens[row of logit l] = ids[l], so that the next step can look its input ids up on the device; the same at the
// next position of the row's tokens, for penalties.

struct Params { tokens: u32, logits: u32, maxLength: u32 }
var<immediate> p: Params;

const NO_TOKEN = 0xffffffffu;

@group(0) @binding(0) var<storage, read> ids: array<u32>; // [L]
@group(0) @binding(1) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(2) var<storage, read_write> lastTokens: array<u32>; // [maxRequests]
@group(0) @binding(3) var<storage, read_write> tokenTable: array<u32>; // [maxRequests, maxLength]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.logits) { return; }
  let token = step[4u * p.tokens + id.x];
  let row = step[2u * p.tokens + token];
  // Where nothing could be sampled the request ends; until the host knows, any token does.
  let sampled = select(ids[id.x], 0u, ids[id.x] == NO_TOKEN);
  lastTokens[row] = sampled;
  let next = step[p.tokens + token] + 1u;
  if (next < p.maxLength) { tokenTable[row * p.maxLength + next] = sampled; }
}
