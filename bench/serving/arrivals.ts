/**
 * When requests arrive in an open loop: gaps from a gamma distribution whose shape is `burstiness` (1: exponential, a
 * Poisson process), scaled so that the last comes at n / rate, as vLLM's benchmarks/serve.py does: rounds of different
 * seeds then offer the same load.
 */
import { uniform } from '../../src/engine/running/random.ts';

/** Draws that one gap may take: the rejection below ends long before. */
const DRAWS = 64;

/** @returns for each request the milliseconds from the start, ascending; zeros for a rate of null */
export function arrivals(n: number, rate: number | null, burstiness: number, seed: number): number[] {
  if (rate === null) return Array.from({ length: n }, () => 0);
  let time = 0;
  const times = Array.from({ length: n }, (_, i) => {
    let draw = i * DRAWS;
    return (time += gamma(burstiness, () => uniform(seed, draw++)));
  });
  const scale = (n / rate / time) * 1000;
  return times.map((t) => t * scale);
}

/** Of mean `shape` and scale 1: Marsaglia and Tsang, A simple method for generating gamma variables, TOMS 26(3), 2000. */
function gamma(shape: number, next: () => number): number {
  if (shape < 1) return gamma(shape + 1, next) * (1 - next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
