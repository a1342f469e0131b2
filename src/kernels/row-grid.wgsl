// The row of a workgroup where rows lie in one dimension of the grid and in z: one has 65,535 workgroups at most (row-grid.ts).
fn gridRow(inRow: u32, z: u32) -> u32 { return z * 65535u + inRow; }
