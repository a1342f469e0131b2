// Top-k, top-p and the draw: a workgroup owns a row. Where a cut lies is found by search over the bits of the logits,
// which is exact; where the draw falls by running sums of weights in order of ids. Behind group.wgsl. Functions with
// reductions have one caller each: compilers copy them into every one.
// include: candidates.wgsl

@group(0) @binding(5) var<storage, read_write> ids: array<u32>; // [L]

// What is in: keys above `key`, and of the `equal` with that key the first `ties` by id; `weight` is theirs together.
struct Cut { key: u32, equal: f32, ties: f32, weight: f32 }

// For each of four keys: how many items have at least that key, or what they weigh.
fn measure(thread: u32, items: Items, row: Row, keys: vec4<u32>, byCount: vec4<bool>) -> vec4<f32> {
  var sum = vec4<f32>(0.0);
  // Sums of sums, so that no rounding error piles up.
  for (var block = thread; block < items.count; block += 32u * SIZE) {
    var part = vec4<f32>(0.0);
    for (var i = block; i < min(block + 32u * SIZE, items.count); i += SIZE) {
      let logit = logitOf(items, i);
      let share = select(vec4<f32>(weightOf(logit, row)), vec4<f32>(1.0), byCount);
      part += select(vec4<f32>(0.0), share, vec4<u32>(keyOf(logit)) >= keys);
    }
    sum += part;
  }
  return groupAdd4(thread, sum);
}

// Cuts at the largest key, from that of `whole` on, at which the measure reaches `enough`. Each round of the search
// leaves a fifth of what was left; the last one looks at what it found.
fn search(thread: u32, items: Items, row: Row, whole: Cut, enough: f32, byCount: bool) -> Cut {
  var low = whole.key;
  var high = keyOf(row.largest) + 1u;
  loop {
    let isFound = low + 1u >= high;
    var keys = min(vec4<u32>(low) + max(1u, (high - low) / 5u) * vec4<u32>(1u, 2u, 3u, 4u), vec4<u32>(high));
    var counted = vec4<bool>(byCount);
    if (isFound) {
      keys = vec4<u32>(low, low + 1u, low + 1u, high);
      counted = vec4<bool>(true, true, false, false);
    }
    let found = measure(thread, items, row, keys, counted);
    if (isFound) { return cutAt(row, whole, low, found, enough, byCount); }
    for (var j = 0u; j < 4u; j++) {
      if (found[j] >= enough) { low = max(low, keys[j]); } else { high = min(high, keys[j]); }
    }
  }
}

// @param found how many have at least the key, how many and what weight is above it
fn cutAt(row: Row, whole: Cut, key: u32, found: vec4<f32>, enough: f32, byCount: bool) -> Cut {
  let weight = weightOf(floatOfKey(key), row);
  let equal = found.x - found.y;
  var ties = min(equal, enough - found.y);
  if (!byCount) { ties = clamp(ceil((enough - found.z) / weight), min(1.0, equal), equal); }
  if (key == whole.key) { ties = min(ties, whole.ties); }
  return Cut(key, equal, ties, found.z + ties * weight);
}

fn shareOf(items: Items, i: u32, row: Row, key: u32, lastId: u32, ofTies: bool) -> f32 {
  let logit = logitOf(items, i);
  let k = keyOf(logit);
  if (ofTies) { return select(0.0, 1.0, k == key); }
  return select(0.0, weightOf(logit, row), k > key || (k == key && idOf(items, i) <= lastId));
}

// The id of the first of the items [begin, end) at which the running sum of their shares exceeds `aim`: keys above `key`
// and that key up to `lastId` share by weight, or (`ofTies`) those of that key equally. Rounding can leave none: then the
// last that has a share.
fn crossing(
  thread: u32, items: Items, begin: u32, end: u32, row: Row, key: u32, lastId: u32, ofTies: bool, aim: f32,
) -> u32 {
  var before = 0.0;
  var last = 0u;
  for (var chunk = begin; chunk < end; chunk += SIZE * RUN) {
    let first = chunk + thread * RUN;
    let behind = min(first + RUN, end);
    var mine = 0.0;
    for (var i = first; i < behind; i++) {
      let share = shareOf(items, i, row, key, lastId, ofTies);
      mine += share;
      if (share > 0.0) { last = i + 1u; }
    }
    let sum = groupAdd(thread, mine);
    if (before + sum > aim) {
      var running = before + groupScan(thread, mine);
      var found = 0u;
      for (var i = first; i < behind && found == 0u; i++) {
        let share = shareOf(items, i, row, key, lastId, ofTies);
        running += share;
        // The largest complement is the smallest index.
        if (share > 0.0 && running > aim) { found = ~i; }
      }
      found = groupMax(thread, found);
      if (found != 0u) { return idOf(items, ~found); }
    }
    before += sum;
  }
  last = groupMax(thread, last);
  return idOf(items, max(last, 1u) - 1u);
}

fn draw(thread: u32, index: u32, row: Row) -> u32 {
  let all = weightOfAll(index);
  var items = Items(false, row.source * p.columns, p.columns);
  var cut = Cut(keyOf(row.floor), 0.0, 3e38, all);
  var begin = 0u;
  var end = p.columns;
  var aim = row.u * all;
  if (row.topK > 0u || row.topP < 1.0) {
    let enough = select(row.topP * all, f32(row.topK), row.topK > 0u);
    let threshold = thresholdFor(enough, index, row);
    items = gather(thread, index, row, threshold);
    end = items.count;
    cut.key = keyOf(threshold);
    // Top-k, then top-p over what it left, renormalized.
    for (var byCount = 1; byCount >= 0; byCount--) {
      if ((byCount == 1 && row.topK == 0u) || (byCount == 0 && row.topP >= 1.0)) { continue; }
      let wanted = select(row.topP * cut.weight, f32(row.topK), byCount == 1);
      cut = search(thread, items, row, cut, wanted, byCount == 1);
    }
    aim = row.u * cut.weight;
  } else {
    // The slices' sums say which slice the draw falls into.
    var rest = aim;
    for (var s = 0u; s < p.slices; s++) {
      let weight = ladder[5u * (index * p.slices + s) + 4u];
      if (weight == 0.0) { continue; }
      begin = s * p.slice;
      aim = rest;
      if (rest < weight) { break; }
      rest -= weight;
    }
    end = min(begin + p.slice, p.columns);
  }
  // Where not all ties are in, first the last one that is.
  var id = NONE;
  for (var ofTies = select(0, 1, cut.ties < cut.equal); ofTies >= 0; ofTies--) {
    let share = select(aim, cut.ties - 0.5, ofTies == 1);
    id = crossing(thread, items, begin, end, row, cut.key, id, ofTies == 1, share);
  }
  return id;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = readRow(wg.x);
  var id = best[row.source];
  if (row.inverseTemperature > 0.0) { id = draw(thread, wg.x, row); }
  if (thread == 0u) { ids[row.source] = id; }
}
