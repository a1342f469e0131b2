// Rotary position embedding of a pair of dimensions: rotary-embedding.reference.ts defines it.
override BY_TOKEN: u32; // 1: the table has a row for each token, 0: for each position
override INTERLEAVED: u32; // 1: pairs (2i, 2i + 1), 0: pairs (i, i + half)

// Row of the table, [rotaryDim]: cosines, then sines.
fn tableRow(token: u32, position: u32) -> u32 { return select(position, token, BY_TOKEN == 1u); }

// The dimensions of a head's pair. The first `half` pairs rotate; those behind them are neighbours, so that each dimension is
// in one pair.
fn pairAt(pair: u32, half: u32) -> vec2<u32> {
  if (INTERLEAVED == 0u && pair < half) { return vec2<u32>(pair, pair + half); }
  return vec2<u32>(2u * pair, 2u * pair + 1u);
}

// The pair that a dimension is in.
fn pairOf(dimension: u32, half: u32) -> u32 {
  if (INTERLEAVED == 1u || dimension >= 2u * half) { return dimension / 2u; }
  return select(dimension - half, dimension, dimension < half);
}

fn rotated(pair: vec2<f32>, cosine: f32, sine: f32) -> vec2<f32> {
  return vec2<f32>(pair.x * cosine - pair.y * sine, pair.y * cosine + pair.x * sine);
}
