// In place of finish.wgsl: activation(gate) · up. A team has a row of the gate's part and the same one of up's below it; p.rows are those
// of a part.
// include: ../gated-mul/gated.wgsl
fn finish(work: Work, line: u32, row: u32, team: u32, sum: u32) {
  if (!hasLine(work, line) || !hasRow(work, row)) { return; }
  let column = work.row + row;
  let gate = finished(total(team, sum), column, 0u);
  let up = finished(total(team, sum + OUTPUTS), p.rows + column, 0u);
  y[(work.line + line) * p.rows + column] = gated(vec4<f32>(gate), vec4<f32>(up)).x;
}
