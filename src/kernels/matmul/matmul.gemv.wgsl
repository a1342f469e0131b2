// y[t, n] = Σ_k x[t, k] · w[n, k] for few tokens: bound by reading the weights once, so each chunk of 8 columns is decoded
// once and used for TOKENS tokens.
//
// A workgroup is TEAMS teams of LANES invocations; a team owns ROWS adjacent rows and strides over their columns in chunks,
// so that its loads are contiguous. The partial sums of each (row, token) meet in workgroup memory, one invocation adding up
// each: right for any subgroup size. Loops over rows and tokens have constant bounds and are unrolled. A sum has one order,
// whatever ROWS and TOKENS are: by the columns of a lane, then by lanes.
// include: chunk.f32.wgsl
// include: input.f32.wgsl
// include: product.float.wgsl
// include: ../row-grid.wgsl
// include: output.wgsl
const ROWS = 1u; // of a team
const TOKENS = 1u; // of a workgroup
const TEAMS = 4u;
const LANES = 32u;
const SUMS = ROWS * TOKENS; // of a team; at most LANES
const STRIDE = LANES + 1u; // so that the same lane of different sums lies in different banks of the memory

var<workgroup> partial: array<f32, TEAMS * SUMS * STRIDE>; // [team][sum][lane]

@compute @workgroup_size(TEAMS * LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let team = thread / LANES;
  let lane = thread % LANES;
  let work = begin(gridRow(wg.y, wg.z) * TOKENS, wg.x * TEAMS * ROWS);
  if (isIdle(work)) { return; }
  let own = team * ROWS; // the team's first row
  var sums: array<array<f32, TOKENS>, ROWS>;
  for (var chunk = lane; chunk < p.chunks; chunk += LANES) {
    var inputs: array<Inputs, TOKENS>;
    for (var t = 0u; t < TOKENS; t++) { inputs[t] = inputsAt(inputRow(work, t), chunk); }
    for (var r = 0u; r < ROWS; r++) {
      let w = weightsAt(weightRow(work, own + r) * p.chunks + chunk);
      for (var t = 0u; t < TOKENS; t++) { sums[r][t] += product(w, inputs[t]); }
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    for (var t = 0u; t < TOKENS; t++) { partial[(team * SUMS + r * TOKENS + t) * STRIDE + lane] = sums[r][t]; }
  }
  workgroupBarrier();

  if (lane >= SUMS) { return; }
  var sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += partial[(team * SUMS + lane) * STRIDE + i]; }
  store(work, lane % TOKENS, own + lane / TOKENS, sum);
}
