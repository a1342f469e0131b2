// Log-probabilities of the sampled token and of the likeliest ones: a workgroup owns a row. Behind group.wgsl. A row's
// top-k is the number of tokens to list; its floor is below everything. No log-probability is 1: it stands for a row that
// holds NaN or +infinity.
// include: candidates.wgsl

@group(0) @binding(5) var<storage, read> ids: array<u32>; // [L] sampled tokens
@group(0) @binding(6) var<storage, read_write> y: array<f32>; // [R, 1 + 2·topK]: the sampled token's, then (id, logprob)

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = readRow(wg.x);
  let begin = wg.x * (1u + 2u * row.topK);
  if (best[row.source] == NONE) {
    if (thread == 0u) { y[begin] = 1.0; }
    return;
  }
  let logOfAll = log(weightOfAll(wg.x));
  if (thread == 0u) {
    y[begin] = logits[row.source * p.columns + min(ids[row.source], p.columns - 1u)] - row.largest - logOfAll;
  }
  if (row.topK == 0u) { return; }
  let items = gather(thread, wg.x, row, thresholdFor(f32(row.topK), wg.x, row));
  // The item listed last; the next is the largest behind it, by key and then by id.
  var lastKey = NONE;
  var lastItem = 0u;
  for (var n = 0u; n < row.topK; n++) {
    var key = 0u;
    var item = 0u;
    for (var i = thread; i < items.count; i += SIZE) {
      let k = keyOf(logitOf(items, i));
      if (k > key && (k < lastKey || (k == lastKey && i > lastItem))) {
        key = k;
        item = i;
      }
    }
    lastKey = groupMax(thread, key);
    // The largest complement is the smallest index.
    lastItem = ~groupMax(thread, select(0u, ~item, key == lastKey));
    if (thread == 0u) {
      y[begin + 1u + 2u * n] = f32(idOf(items, lastItem));
      y[begin + 2u + 2u * n] = floatOfKey(lastKey) - row.largest - logOfAll;
    }
  }
}
