// The queue of a dispatch's items, which workgroups of 8 lanes take one by one (decoder-layer.lavapipe.wgsl.ts). An item is the
// same in all lanes, which the compiler's analysis cannot see.
diagnostic(off, subgroup_uniformity);
enable subgroups;

// include: layer-params.lavapipe.wgsl
var<immediate> p: Params;

// Items that workgroups have taken and done, ever; each on a cache line of its own.
struct Queue { taken: atomic<u32>, @align(64) done: atomic<u32> }
@group(0) @binding(15) var<storage, read_write> queue: Queue;

fn takeItem(lane: u32) -> u32 {
  var ticket = 0u;
  if (lane == 0u) { ticket = atomicAdd(&queue.taken, 1u) - p.taken; }
  return subgroupBroadcastFirst(ticket);
}

// Until the dispatch's first n items are done.
fn waitFor(n: u32, lane: u32) {
  if (lane == 0u) {
    loop {
      if (bitcast<i32>(atomicAdd(&queue.done, 0u) - (p.done + n)) >= 0) { break; }
    }
  }
}

fn finishItem(lane: u32) {
  if (lane == 0u) { atomicAdd(&queue.done, 1u); }
}
