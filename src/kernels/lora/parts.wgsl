// Which rows of a linear layer's output belong to which of its stacked parts. Needs p.rows0, p.rows1 and p.rows2.
fn rowsOfPart(part: u32) -> u32 { return select(select(p.rows2, p.rows1, part == 1u), p.rows0, part == 0u); }

fn rowsInAll() -> u32 { return p.rows0 + p.rows1 + p.rows2; }
