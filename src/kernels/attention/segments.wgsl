// How the sums over a row's context are put together, in attention.flash.wgsl and in attention.combine.wgsl. The context is cut at
// multiples of SEGMENT positions; a segment's largest score, weight and sums depend on the row and on nothing else, and segments
// are joined from the first to the last. So the bits do not depend on how many workgroups share a context, or on who else
// is in a tile. Multiplications and additions that belong together are written as fma(): a compiler has nothing to choose.
const SEGMENT = 128u;
const MASKED = -1e30;

// The first position that one sees, itself and `window - 1` in front of it.
fn firstSeen(position: u32, window: u32) -> u32 { return select(0u, position + 1u - window, position + 1u > window); }

// The largest score of both, and the factors of what is there and of what is added.
struct Join { top: f32, kept: f32, added: f32 }

fn joinOf(top: f32, next: f32) -> Join {
  // Nothing of the segment is seen (or it is NaN, which must not get lost), or nothing was seen before.
  if (next <= MASKED) { return Join(top, 1.0, 1.0); }
  if (top <= MASKED) { return Join(next, 0.0, 1.0); }
  let largest = max(top, next);
  return Join(largest, exp(top - largest), exp(next - largest));
}

fn joined(sum: f32, part: f32, join: Join) -> f32 { return fma(sum, join.kept, part * join.added); }
