// Items taken and done by earlier dispatches, together; and of adapters, in steps that have some.
struct Params {
  tokens: u32, taken: u32, done: u32, maxLength: u32,
  adapters: u32, // of `step`, in u32
  rankPairs: u32, // pairs of groups of 8 ranks, of the highest rank
  qkvSlot: u32, oSlot: u32, gateUpSlot: u32, downSlot: u32, // texels of a slot beside each product
}
