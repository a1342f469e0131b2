// What matmul.gemv makes of a team's sums: finish.gated.wgsl takes its place where a gate follows the product.
fn finish(work: Work, line: u32, row: u32, team: u32, sum: u32) { store(work, line, row, total(team, sum)); }
