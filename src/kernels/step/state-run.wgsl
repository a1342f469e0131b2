// Consecutive tokens of one request as ops with a state see them: entry i of a list of the step (sections: step/step.ts). The
// kernel binds step, and states [rows, floats].
struct StateRun {
  first: u32, // token
  count: u32, // tokens
  before: u32, // row with the state in front of them, or NO_ROW: zeros
  behind: u32, // row for the state behind them
  keepAfter: vec2<u32>, // tokens behind which the state goes to another row too; 0: none
  keepIn: vec2<u32>, // those rows
}

const NO_ROW = 0xffffffffu;

fn stateRun(list: u32, i: u32) -> StateRun {
  let at = list + 8u * i;
  let after = vec2<u32>(step[at + 4u], step[at + 6u]);
  let rows = vec2<u32>(step[at + 5u], step[at + 7u]);
  return StateRun(step[at], step[at + 1u], step[at + 2u], step[at + 3u], after, rows);
}

// The row for the state behind so many tokens of the run, or NO_ROW.
fn keptIn(run: StateRun, tokens: u32) -> u32 {
  if (run.keepAfter.x == tokens) { return run.keepIn.x; }
  if (run.keepAfter.y == tokens) { return run.keepIn.y; }
  return NO_ROW;
}
