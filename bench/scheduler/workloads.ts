/**
 * Request lengths, from seeded distributions. Distributions 1–3 are those of the Past-Future paper (uniform, input and
 * output): decode-heavy, balanced, prefill-heavy. The data sets behind "ShareGPT" and "o1" are not shipped; log-normal
 * lengths stand in for them: o1's with the published means, and the spread of the first 100 requests of the artifact's file.
 */
import { uniform } from '../../src/engine/running/random.ts';

export interface Lengths {
  readonly prompt: number;
  readonly output: number;
}

export interface Workload {
  readonly name: string;
  readonly about: string;
  /** What clients send as max_tokens: the most that an answer of this kind may need. */
  readonly maxTokens: number;
  /** Lengths of the n-th request. */
  readonly lengths: (seed: number, n: number) => Lengths;
  /** Clients at the overload point of the table. */
  readonly clients: number;
}

function between(low: number, high: number, u: number): number {
  return low + Math.floor(u * (high - low + 1));
}

/** Log-normal with this mean and this σ of the logarithm, cut to [low, high]. */
function logNormal(mean: number, sigma: number, low: number, high: number, u1: number, u2: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - u1)) * Math.cos(2 * Math.PI * u2);
  const value = Math.exp(Math.log(mean) - (sigma * sigma) / 2 + sigma * normal);
  return Math.round(Math.min(high, Math.max(low, value)));
}

/** Four independent numbers per request. */
type Draw = (u: readonly [number, number, number, number]) => Lengths;

function workload(name: string, about: string, maxTokens: number, clients: number, draw: Draw): Workload {
  const lengths = (seed: number, n: number): Lengths => {
    const u = (i: number): number => uniform(seed, 4 * n + i);
    return draw([u(0), u(1), u(2), u(3)]);
  };
  return { name, about, maxTokens, clients, lengths };
}

const limited: readonly Workload[] = [
  workload('Dist1', 'decode-heavy: input 32–4096, output 2048–4096', 4096, 100, ([a, b]) => ({
    prompt: between(32, 4096, a),
    output: between(2048, 4096, b),
  })),
  workload('Dist2', 'balanced: input and output 3000–5000', 5000, 100, ([a, b]) => ({
    prompt: between(3000, 5000, a),
    output: between(3000, 5000, b),
  })),
  workload('Dist3', 'prefill-heavy: input 2048–4096, output 32–4096', 4096, 100, ([a, b]) => ({
    prompt: between(2048, 4096, a),
    output: between(32, 4096, b),
  })),
  workload('o1-like', 'long outputs: input ~381, output ~2160, log-normal', 8192, 100, ([a, b, c, d]) => ({
    prompt: logNormal(381, 1.65, 8, 4096, a, b),
    output: logNormal(2160, 0.73, 64, 8192, c, d),
  })),
  workload('ShareGPT-like', 'chats: input ~330, output ~240, log-normal', 2048, 400, ([a, b, c, d]) => ({
    prompt: logNormal(330, 1.1, 8, 2048, a, b),
    output: logNormal(240, 0.9, 4, 2048, c, d),
  })),
];

/** The same lengths from clients that send no max_tokens: the longest answer is what the context leaves. */
const openEnded = limited.map((one) => ({
  ...one,
  name: `${one.name} open`,
  about: `${one.about}, no max_tokens`,
  maxTokens: Infinity,
}));

export const workloads: readonly Workload[] = [...limited, ...openEnded];
