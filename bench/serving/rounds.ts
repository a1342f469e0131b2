/** Rounds over one server, or over two in turn, and what they come to: the median of each figure, the sum of each count. */
import { EngineError } from '../../src/errors.ts';
import { arrivals } from './arrivals.ts';
import type { ServingRequest } from './apis.ts';
import type { Clock } from './clock.ts';
import { drive } from './drive.ts';
import { measure, percentile, type Figures, type Measured, type Sla } from './metrics.ts';
import { send, type Outcome, type Target } from './send.ts';

export interface Server {
  readonly label: string;
  readonly target: Target;
}

export interface RoundOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly requestRate: number | null;
  readonly burstiness: number;
  readonly maxConcurrency: number | null;
  readonly numWarmups: number;
  readonly sla: Sla;
  readonly percentiles: readonly number[];
  /** The requests of a round by its seed. */
  readonly requests: (seed: number) => ServingRequest[];
  readonly clock: Clock;
}

export interface ServerResult extends Measured {
  readonly label: string;
  /** Each round's figures. */
  readonly rounds: readonly Figures[];
  readonly requests: readonly ServingRequest[];
  readonly outcomes: readonly Outcome[];
}

const counts = new Set(['duration', 'completed', 'failed', 'total_input_tokens', 'total_output_tokens']);

/** @throws EngineError bad_flag where a server does not answer the first request */
export async function runRounds(servers: readonly Server[], o: RoundOptions): Promise<ServerResult[]> {
  const rounds = new Map(servers.map((server) => [server, [] as Measured[]]));
  const requests: ServingRequest[] = [];
  const outcomes = new Map(servers.map((server) => [server, [] as Outcome[]]));
  for (const server of servers) await warmUp(server, o);
  for (let round = 0; round < o.rounds; round++) {
    const seed = o.seed + round;
    const own = o.requests(seed);
    requests.push(...own);
    const times = arrivals(own.length, o.requestRate, o.burstiness, seed);
    const load = { requests: own, arrivals: times, maxConcurrency: o.maxConcurrency };
    for (const server of servers) {
      const driven = await drive(load, (request) => send(server.target, request, o.clock), o.clock);
      rounds.get(server)!.push(measure(own, driven, o));
      outcomes.get(server)!.push(...driven.outcomes);
    }
  }
  return servers.map((server) => {
    const measured = rounds.get(server)!;
    return { label: server.label, ...combine(measured), requests, outcomes: outcomes.get(server)! };
  });
}

/** One after the other, with requests that no round has. */
async function warmUp({ label, target }: Server, { numWarmups, seed, rounds, requests, clock }: RoundOptions) {
  for (let i = 0; i < numWarmups; i++) {
    const [request] = requests(seed + rounds + i);
    const { error } = await send(target, request, clock);
    if (error !== null) throw new EngineError('bad_flag', `${label}: the first request failed: ${error}`);
  }
}

function combine(rounds: readonly Measured[]): Measured & { rounds: Figures[] } {
  const all = rounds.map(({ figures }) => figures);
  const combined = Object.keys(all[0]).map((key): [string, number | null] => {
    const values = all.flatMap((figures) => figures[key] ?? []);
    if (values.length === 0) return [key, null];
    return [key, counts.has(key) ? values.reduce((a, b) => a + b) : median(values)];
  });
  const errorCounts: Record<string, number> = {};
  for (const round of rounds)
    for (const [error, n] of Object.entries(round.errorCounts)) errorCounts[error] = (errorCounts[error] ?? 0) + n;
  const same = <K extends 'tokenCounts' | 'inputCounts'>(key: K): Measured[K] =>
    rounds.every((round) => round[key] === rounds[0][key]) ? rounds[0][key] : 'mixed';
  return {
    figures: Object.fromEntries(combined),
    errorCounts,
    tokenCounts: same('tokenCounts'),
    inputCounts: same('inputCounts'),
    rounds: all,
  };
}

/** For each figure the median over the rounds of the first server's value over the second's. */
export function ratios(ours: ServerResult, peer: ServerResult): Record<string, number> {
  const keys = Object.keys(ours.figures).filter((key) => !counts.has(key));
  const found = keys.map((key): [string, number] => {
    const perRound = ours.rounds.map((figures, i) => (figures[key] ?? NaN) / (peer.rounds[i][key] ?? NaN));
    return [key, median(perRound.filter((ratio) => Number.isFinite(ratio)))];
  });
  return Object.fromEntries(found.filter(([, ratio]) => Number.isFinite(ratio)));
}

/** The mean of the two in the middle of an even number: few rounds are usual. */
function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    50,
  );
}
