// In place of matrix-unit.wgsl where an adapter has no matrix units: the same operations as plain loops, to check everything around
// them on any adapter. Operands are rounded to the type of the units' operands; a team is LANES invocations, who share out a block.
alias Operand = f32;
alias Left = u32; // where it lies in tileX: nothing changes there before it is used
alias Right = u32; // in tileW
alias Sums = array<f32, SHARE>;
const SHARE = BLOCK / LANES; // elements of an invocation

struct Invocation {
  @builtin(local_invocation_index) thread: u32,
}
var<private> lane: u32;
fn teamOf(own: Invocation) -> u32 {
  lane = own.thread % LANES;
  return own.thread / LANES;
}

const ROUNDS = true; // to f16, whatever they are kept as
fn operands(values: vec4<f32>) -> vec4<Operand> {
  if (ROUNDS) { return vec4<Operand>(quantizeToF16(values)); }
  return vec4<Operand>(values);
}

fn leftAt(at: u32) -> Left { return at; }
fn rightAt(at: u32) -> Right { return at; }
fn multiplied(left: Left, right: Right, sums: Sums) -> Sums {
  var result = sums;
  for (var i = 0u; i < SHARE; i++) {
    let token = (i * LANES + lane) / UNIT_ROWS;
    let row = (i * LANES + lane) % UNIT_ROWS;
    for (var col = 0u; col < UNIT_COLS; col++) {
      result[i] += f32(tileX[left + token * STRIDE + col]) * f32(tileW[right + row * STRIDE + col]);
    }
  }
  return result;
}
fn show(sums: Sums, at: u32) {
  for (var i = 0u; i < SHARE; i++) { blocks[at + i * LANES + lane] = sums[i]; }
}
