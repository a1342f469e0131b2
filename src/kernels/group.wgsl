// Reductions over a workgroup through workgroup memory, on any GPU. All threads have to call them, and all get the same
// result. group.lavapipe.wgsl has those for lavapipe that the kernels of sample/ need, behind either of the two.

const SIZE = 256u; // threads of a workgroup
const RUN = 16u; // consecutive items that a thread takes where order matters

var<workgroup> sums: array<vec4<f32>, SIZE>;
var<workgroup> numbers: array<f32, SIZE>;
var<workgroup> words: array<u32, SIZE>;

fn groupAdd4(thread: u32, value: vec4<f32>) -> vec4<f32> {
  sums[thread] = value;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }
  return workgroupUniformLoad(&sums[0]);
}

fn groupAdd(thread: u32, value: f32) -> f32 {
  numbers[thread] = value;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { numbers[thread] += numbers[thread + half]; }
  }
  return workgroupUniformLoad(&numbers[0]);
}

fn groupMaxF32(thread: u32, value: f32) -> f32 {
  numbers[thread] = value;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { numbers[thread] = max(numbers[thread], numbers[thread + half]); }
  }
  return workgroupUniformLoad(&numbers[0]);
}

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
  numbers[thread] = value;
  for (var distance = 1u; distance < SIZE; distance *= 2u) {
    workgroupBarrier();
    var sum = numbers[thread];
    if (thread >= distance) { sum += numbers[thread - distance]; }
    workgroupBarrier();
    numbers[thread] = sum;
  }
  workgroupBarrier();
  var before = 0.0;
  if (thread > 0u) { before = numbers[thread - 1u]; }
  workgroupBarrier();
  return before;
}

// What a thread wrote to storage is there for the others.
fn groupFence() { storageBarrier(); }
