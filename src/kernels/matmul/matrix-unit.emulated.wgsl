// In place of matrix-unit.wgsl where an adapter has no matrix units: the same operations as plain loops, to check everything around
// them on any adapter. Operands are rounded to the type of the units' operands; a team is LANES invocations, who share out a block.
alias Operand = f32;
// Where it lies in tileX, and how far apart its lines are: nothing changes there before it is used.
alias Left = vec2<u32>;
alias Right = vec3<u32>; // in tileW, from row to row, from column to column
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

fn leftAt(at: u32, stride: u32) -> Left { return vec2<u32>(at, stride); }
fn rightAt(at: u32, stride: u32) -> Right { return vec3<u32>(at, stride, 1u); }
fn rightAcross(at: u32, stride: u32) -> Right { return vec3<u32>(at, 1u, stride); }
fn multiplied(left: Left, right: Right, sums: Sums) -> Sums {
  var result = sums;
  for (var i = 0u; i < SHARE; i++) {
    let token = (i * LANES + lane) / UNIT_ROWS;
    let row = (i * LANES + lane) % UNIT_ROWS;
    for (var col = 0u; col < UNIT_COLS; col++) {
      result[i] += f32(tileX[left.x + token * left.y + col]) * f32(tileW[right.x + row * right.y + col * right.z]);
    }
  }
  return result;
}
fn placeOf(i: u32, stride: u32) -> u32 {
  return (i * LANES + lane) / UNIT_ROWS * stride + (i * LANES + lane) % UNIT_ROWS;
}
fn show(sums: Sums, at: u32, stride: u32) {
  for (var i = 0u; i < SHARE; i++) { blocks[at + placeOf(i, stride)] = sums[i]; }
}
fn shown(at: u32, stride: u32) -> Sums {
  var sums: Sums;
  for (var i = 0u; i < SHARE; i++) { sums[i] = blocks[at + placeOf(i, stride)]; }
  return sums;
}
