/** Seeded random inputs, the same on every machine. */

/** mulberry32: numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** n f32 values in (-scale, scale). */
export function randomFloats(seed: number, n: number, scale = 1): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length: n }, () => (next() * 2 - 1) * scale);
}

export function randomIntegers(seed: number, n: number, below: number): Uint32Array {
  const next = random(seed);
  return Uint32Array.from({ length: n }, () => Math.floor(next() * below));
}

/** 0 … n - 1 in random order. */
export function shuffled(seed: number, n: number): Uint32Array {
  const next = random(seed);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
