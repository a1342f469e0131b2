/**
 * Counter-based random numbers: a draw depends on (seed, index) and nothing else, so a request's samples are the same
 * whatever shares its batch, and again after a pause or a restart.
 */

/**
 * `pcg3d` of (seed, index, stream): three u32 in, one u32 out. Integer arithmetic modulo 2³² only, as WGSL has it.
 * Source: Jarzynski and Olano, Hash Functions for GPU Rendering, JCGT 9(3), 2020.
 */
export function hash3(seed: number, index: number, stream: number): number {
  let x = (Math.imul(seed, 1664525) + 1013904223) | 0;
  let y = (Math.imul(index, 1664525) + 1013904223) | 0;
  let z = (Math.imul(stream, 1664525) + 1013904223) | 0;
  x = (x + Math.imul(y, z)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  x = (x + Math.imul(y, z)) | 0;
  return x >>> 0;
}

/** Uniform in [0, 1) with 24 bits, exact in f32. The seed's low 53 bits count. */
export function uniform(seed: number, index: number): number {
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  return (hash3(seed >>> 0, index, high) >>> 8) / 2 ** 24;
}
