// Reductions over a workgroup that is one subgroup of 8 lanes (lavapipe): no barriers, no workgroup memory. In front of
// the kernels of sample/; group.wgsl has the same functions for any GPU. All threads have to call them.
enable subgroups;
diagnostic(off, subgroup_uniformity);

const SIZE = 8u; // threads of a workgroup
const RUN = 8u; // consecutive items that a thread takes where order matters

fn groupAdd(thread: u32, value: f32) -> f32 { return subgroupAdd(value); }
fn groupAdd4(thread: u32, value: vec4<f32>) -> vec4<f32> { return subgroupAdd(value); }
fn groupMax(thread: u32, value: u32) -> u32 { return subgroupMax(value); }
// Sum over the threads in front of this one.
fn groupScan(thread: u32, value: f32) -> f32 { return subgroupExclusiveAdd(value); }
// What a thread wrote to storage is there for the others: lanes run in step, so it is.
fn groupFence() {}
