// The operations of an adapter's matrix units (Dawn's chromium-experimental-subgroup-matrix; Vulkan's cooperative matrices, Metal's
// simdgroup matrices) as matmul.matrix.wgsl names them. All invocations of a subgroup call them together, which the
// compiler cannot know.
enable chromium_experimental_subgroup_matrix;
enable subgroups;
diagnostic(off, chromium.subgroup_matrix_uniformity);

alias Operand = f32;
alias Left = subgroup_matrix_left<Operand, UNIT_COLS, UNIT_TOKENS>;
alias Right = subgroup_matrix_right<Operand, UNIT_ROWS, UNIT_COLS>;
alias Sums = subgroup_matrix_result<f32, UNIT_ROWS, UNIT_TOKENS>;

struct Invocation {
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
}
fn teamOf(own: Invocation) -> u32 { return own.subgroup; }

fn operands(values: vec4<f32>) -> vec4<Operand> { return vec4<Operand>(values); }

// Blocks of tileX and of tileW whose first element lies at `at`.
fn leftAt(at: u32) -> Left { return subgroupMatrixLoad<Left, row_major>(&tileX, at, STRIDE); }
fn rightAt(at: u32) -> Right { return subgroupMatrixLoad<Right, col_major>(&tileW, at, STRIDE); }
fn multiplied(left: Left, right: Right, sums: Sums) -> Sums { return subgroupMatrixMultiplyAccumulate(left, right, sums); }
// Into `blocks`, from `at` on: [UNIT_TOKENS, UNIT_ROWS].
fn show(sums: Sums, at: u32) { subgroupMatrixStore<row_major>(&blocks, at, sums, UNIT_ROWS); }
