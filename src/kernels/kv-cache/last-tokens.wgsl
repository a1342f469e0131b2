// lastTokens[row of logit l] = ids[l], so that the next step can look its input ids up on the device.

struct Params { tokens: u32, logits: u32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> ids: array<u32>; // [L]
@group(0) @binding(1) var<storage, read> step: array<u32>; // sections: step/step.ts
@group(0) @binding(2) var<storage, read_write> lastTokens: array<u32>; // [maxRequests]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.logits) { return; }
  let token = step[4u * p.tokens + id.x];
  lastTokens[step[2u * p.tokens + token]] = ids[id.x];
}
