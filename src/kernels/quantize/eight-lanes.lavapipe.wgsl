// What 8 lanes have together, by broadcasts: lavapipe takes lane after lane for subgroupMax and subgroupAdd, three times as long.
enable subgroups;

fn largestOfLanes(v: f32) -> f32 {
  let low = max(max(subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u)), max(subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u)));
  let high = max(max(subgroupBroadcast(v, 4u), subgroupBroadcast(v, 5u)), max(subgroupBroadcast(v, 6u), subgroupBroadcast(v, 7u)));
  return max(low, high);
}

fn sumOfLanes(v: i32) -> i32 {
  let low = subgroupBroadcast(v, 0u) + subgroupBroadcast(v, 1u) + subgroupBroadcast(v, 2u) + subgroupBroadcast(v, 3u);
  return low + subgroupBroadcast(v, 4u) + subgroupBroadcast(v, 5u) + subgroupBroadcast(v, 6u) + subgroupBroadcast(v, 7u);
}
