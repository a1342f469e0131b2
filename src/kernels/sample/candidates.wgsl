// The tokens among which a row's cuts lie, copied together when they are few: a search reads them many times. Behind
// group.wgsl; one workgroup works on a row.
// include: ../float-key.wgsl
// include: row.wgsl

@group(0) @binding(3) var<storage, read> ladder: array<f32>; // [R, slices, 5]: ladder.wgsl
@group(0) @binding(4) var<storage, read_write> list: array<u32>; // [R, 2, p.capacity]: bits of logits, ids; by ascending id

// Where items are read from: the first `count` of the list, or the whole row of logits.
struct Items { listed: bool, begin: u32, count: u32 }

fn logitOf(items: Items, i: u32) -> f32 {
  if (items.listed) { return bitcast<f32>(list[items.begin + i]); }
  return logits[items.begin + i];
}

fn idOf(items: Items, i: u32) -> u32 {
  if (items.listed) { return list[items.begin + p.capacity + i]; }
  return i;
}

// A row's sums of the ladder: what lies above its four thresholds.
fn ladderSums(index: u32) -> vec4<f32> {
  var above = vec4<f32>(0.0);
  for (var s = 0u; s < p.slices; s++) {
    let at = 5u * (index * p.slices + s);
    above += vec4<f32>(ladder[at], ladder[at + 1u], ladder[at + 2u], ladder[at + 3u]);
  }
  return above;
}

fn weightOfAll(index: u32) -> f32 {
  var all = 0.0;
  for (var s = 0u; s < p.slices; s++) { all += ladder[5u * (index * p.slices + s) + 4u]; }
  return all;
}

// The highest of the thresholds above which there is enough; the floor when there never is.
fn thresholdFor(enough: f32, index: u32, row: Row) -> f32 {
  let above = ladderSums(index);
  for (var j = 0u; j < 4u; j++) { if (above[j] >= enough) { return row.thresholds[j]; } }
  return row.floor;
}

// Copies what is not below the threshold into the row's list. Without room for all the row itself stays the source.
fn gather(thread: u32, index: u32, row: Row, threshold: f32) -> Items {
  let source = row.source * p.columns;
  let begin = 2u * p.capacity * index;
  let whole = Items(false, source, p.columns);
  var count = 0u;
  for (var chunk = 0u; chunk < p.columns; chunk += SIZE * RUN) {
    let first = chunk + thread * RUN;
    let behind = min(first + RUN, p.columns);
    var hits = 0u; // bit r: item first + r is one
    for (var i = first; i < behind; i++) {
      if (logits[source + i] >= threshold) { hits |= 1u << (i - first); }
    }
    let found = u32(groupAdd(thread, f32(countOneBits(hits))));
    if (found == 0u) { continue; }
    if (count + found > p.capacity) { return whole; }
    var at = begin + count + u32(groupScan(thread, f32(countOneBits(hits))));
    for (; hits != 0u; hits &= hits - 1u) {
      let id = first + firstTrailingBit(hits);
      list[at] = bitcast<u32>(logits[source + id]);
      list[at + p.capacity] = id;
      at++;
    }
    count += found;
  }
  groupFence();
  return Items(true, begin, count);
}
