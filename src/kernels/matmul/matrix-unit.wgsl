// The operations of an adapter's matrix units (Dawn's chromium-experimental-subgroup-matrix; Vulkan's cooperative matrices, Metal's
// simdgroup matrices) as matmul.matrix.wgsl and attention.matrix.wgsl name them, which declare tileX, tileW and blocks. All
// invocations of a subgroup call them together, which the compiler cannot know.
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

// Blocks whose first element lies at `at`, their lines `stride` apart: of tileX, lines of tokens; of tileW, lines of rows or, with
// rightAcross, of columns.
fn leftAt(at: u32, stride: u32) -> Left { return subgroupMatrixLoad<Left, row_major>(&tileX, at, stride); }
fn rightAt(at: u32, stride: u32) -> Right { return subgroupMatrixLoad<Right, col_major>(&tileW, at, stride); }
fn rightAcross(at: u32, stride: u32) -> Right { return subgroupMatrixLoad<Right, row_major>(&tileW, at, stride); }
fn multiplied(left: Left, right: Right, sums: Sums) -> Sums { return subgroupMatrixMultiplyAccumulate(left, right, sums); }
// Into `blocks` and out of it, from `at` on: lines of tokens, `stride` apart.
fn show(sums: Sums, at: u32, stride: u32) { subgroupMatrixStore<row_major>(&blocks, at, sums, stride); }
fn shown(at: u32, stride: u32) -> Sums { return subgroupMatrixLoad<Sums, row_major>(&blocks, at, stride); }
