// Which experts each token goes to, and their weights. A workgroup owns a token; a thread holds the scores of every SIZE-th
// expert. Behind group.wgsl, or group.lavapipe.wgsl.
// include: ../float-key.wgsl
// include: no-choice-bias.wgsl
const EACH = 1u; // experts that a thread holds
const SIGMOID = 0u; // scores: 1, the sigmoid of each logit; 0, softmax over all
const GROUPS = 1u;
const TOP_TWO = 0u; // 1: a group is worth the sum of its two best; 0: its best

struct Params { experts: u32, k: u32, kept: u32, normalizes: u32, scale: f32 }
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [T, E]
@group(0) @binding(1) var<storage, read_write> routing: array<f32>; // [T, p.k, 2]: number, weight

const GONE = 0u; // no key of a float: not to be chosen, or no longer
const WEIGHT_FLOOR = 1e-20; // as in route.reference.ts

var<private> scores: array<f32, EACH>;
var<private> worth: array<u32, EACH>; // keys of the scores with bias
var<private> places: array<u32, EACH>; // among the chosen: 1 for the best, 0 for those that are not chosen

struct Best { key: u32, expert: u32 }

// The best of the experts first … behind - 1, the lowest number among equals.
fn best(thread: u32, first: u32, behind: u32) -> Best {
  var key = GONE;
  var expert = 0u;
  for (var i = 0u; i < EACH; i++) {
    let e = i * SIZE + thread;
    if (e >= first && e < behind && worth[i] > key) {
      key = worth[i];
      expert = e;
    }
  }
  let top = groupMax(thread, key);
  let lowest = ~groupMax(thread, select(0u, ~expert, key == top && top != GONE));
  return Best(top, min(lowest, p.experts - 1u));
}

fn setWorth(thread: u32, expert: u32, key: u32) {
  if (expert % SIZE == thread) { worth[expert / SIZE] = key; }
}

fn score(thread: u32, row: u32) {
  var largest = GONE;
  for (var i = 0u; i < EACH; i++) {
    let e = i * SIZE + thread;
    if (e < p.experts) { largest = max(largest, keyOf(logits[row + e])); }
  }
  let top = floatOfKey(groupMax(thread, largest));
  var sum = 0.0;
  for (var i = 0u; i < EACH; i++) {
    let e = i * SIZE + thread;
    scores[i] = 0.0;
    if (e >= p.experts) { continue; }
    let x = logits[row + e];
    if (SIGMOID == 1u) { scores[i] = 1.0 / (1.0 + exp(-x)); } else { scores[i] = exp(x - top); }
    sum += scores[i];
  }
  let all = groupAdd(thread, sum);
  for (var i = 0u; i < EACH; i++) {
    let e = i * SIZE + thread;
    if (SIGMOID == 0u) { scores[i] /= all; }
    worth[i] = GONE;
    if (e < p.experts) { worth[i] = keyOf(scores[i] + choiceBias(e)); }
  }
}

// Leaves the experts of the p.kept groups that are worth most.
fn keepBest(thread: u32, values: array<u32, GROUPS>) {
  var isKept: array<bool, GROUPS>;
  for (var n = 0u; n < p.kept; n++) {
    var group = 0u;
    var key = GONE;
    for (var g = 0u; g < GROUPS; g++) {
      if (!isKept[g] && values[g] > key) {
        key = values[g];
        group = g;
      }
    }
    isKept[group] = true;
  }
  for (var i = 0u; i < EACH; i++) {
    let e = i * SIZE + thread;
    if (e < p.experts && !isKept[e / (p.experts / GROUPS)]) { worth[i] = GONE; }
  }
}

// One loop for the groups' best and for the choice, since compilers copy reductions to each place that calls them.
fn choose(thread: u32) {
  const EACH_GROUP = 1u + TOP_TWO; // rounds
  const OF_GROUPS = select(0u, GROUPS * EACH_GROUP, GROUPS > 1u);
  let size = p.experts / GROUPS;
  var values: array<u32, GROUPS>; // keys of what the groups are worth
  var first = Best(GONE, 0u);
  for (var round = 0u; round < OF_GROUPS + p.k; round++) {
    let isChoice = round >= OF_GROUPS;
    let group = min(round / EACH_GROUP, GROUPS - 1u);
    let begin = select(group * size, 0u, isChoice);
    let found = best(thread, begin, select(begin + size, p.experts, isChoice));
    if (isChoice) {
      if (found.expert % SIZE == thread) { places[found.expert / SIZE] = round - OF_GROUPS + 1u; }
      setWorth(thread, found.expert, GONE);
    } else if (round % EACH_GROUP == 0u) {
      values[group] = found.key;
      first = found;
      if (TOP_TWO == 1u) { setWorth(thread, found.expert, GONE); }
    } else {
      if (found.key != GONE) { values[group] = keyOf(floatOfKey(first.key) + floatOfKey(found.key)); }
      setWorth(thread, first.expert, first.key);
    }
    if (round + 1u == OF_GROUPS) { keepBest(thread, values); }
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  score(thread, wg.x * p.experts);
  choose(thread);
  var own = 0.0;
  for (var i = 0u; i < EACH; i++) { if (places[i] != 0u) { own += scores[i]; } }
  let sum = groupAdd(thread, own) + WEIGHT_FLOOR;
  for (var i = 0u; i < EACH; i++) {
    if (places[i] == 0u) { continue; }
    let at = (wg.x * p.k + places[i] - 1u) * 2u;
    routing[at] = f32(i * SIZE + thread);
    routing[at + 1u] = select(scores[i], scores[i] / sum, p.normalizes == 1u) * p.scale;
  }
}
