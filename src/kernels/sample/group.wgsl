// Reductions over a workgroup through workgroup memory, on any GPU. In front of the kernels of this folder;
// group.lavapipe.wgsl has the same functions for lavapipe. All threads have to call them, and all get the same result.

const SIZE = 256u; // threads of a workgroup
const RUN = 16u; // consecutive items that a thread takes where order matters

var<workgroup> sums: array<vec4<f32>, SIZE>;
var<workgroup> words: array<u32, SIZE>;

fn groupAdd4(thread: u32, value: vec4<f32>) -> vec4<f32> {
  sums[thread] = value;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }
  return workgroupUniformLoad(&sums[0]);
}

fn groupAdd(thread: u32, value: f32) -> f32 { return groupAdd4(thread, vec4<f32>(value, 0.0, 0.0, 0.0)).x; }

fn groupMax(thread: u32, value: u32) -> u32 {
  words[thread] = value;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { words[thread] = max(words[thread], words[thread + half]); }
  }
  return workgroupUniformLoad(&words[0]);
}

// Sum over the threads in front of this one.
fn groupScan(thread: u32, value: f32) -> f32 {
  sums[thread].x = value;
  for (var distance = 1u; distance < SIZE; distance *= 2u) {
    workgroupBarrier();
    var sum = sums[thread].x;
    if (thread >= distance) { sum += sums[thread - distance].x; }
    workgroupBarrier();
    sums[thread].x = sum;
  }
  workgroupBarrier();
  var before = 0.0;
  if (thread > 0u) { before = sums[thread - 1u].x; }
  workgroupBarrier();
  return before;
}

// What a thread wrote to storage is there for the others.
fn groupFence() { storageBarrier(); }
