/**
 * What a round measured, with the definitions and keys of vLLM's benchmarks/serve.py: TTFT to the first piece with text;
 * TPOT the rest of the time over the tokens behind the first, of answers with more than one; ITL between pieces; E2EL to the
 * last piece. Percentiles are numpy's (linear between neighbours). Requests that failed count only as failed.
 */
import { EngineError } from '../../src/errors.ts';
import type { ServingRequest } from './apis.ts';
import type { Driven } from './drive.ts';
import type { Outcome } from './send.ts';

const metricNames = ['ttft', 'tpot', 'itl', 'e2el'] as const;
export type MetricName = (typeof metricNames)[number];

/** Most milliseconds that a good request takes. */
export type Sla = Readonly<Partial<Record<Exclude<MetricName, 'itl'>, number>>>;

/** @param pairs `ttft:500` and the like */
export function parseGoodput(pairs: readonly string[]): Sla {
  const limits = pairs.map((pair) => {
    const [, name, value] = /^(ttft|tpot|e2el):(\d+(?:\.\d+)?)$/.exec(pair) ?? [];
    if (name === undefined)
      throw new EngineError(
        'bad_flag',
        `--goodput: expected ttft, tpot or e2el and milliseconds such as ttft:500, got ${JSON.stringify(pair)}`,
      );
    return [name, Number(value)] as const;
  });
  return Object.fromEntries(limits);
}

/** Rates a second, times in ms, counts; null where nothing was measured. */
export type Figures = Readonly<Record<string, number | null>>;

export interface Measured {
  readonly figures: Figures;
  /** How often each error came. */
  readonly errorCounts: Readonly<Record<string, number>>;
  /** Who counted output tokens: the server, the stream's pieces, or now one, now the other. */
  readonly tokenCounts: 'usage' | 'chunks' | 'mixed';
  /** Who counted input tokens: the server, or the planner of the requests. */
  readonly inputCounts: 'usage' | 'planned' | 'mixed';
}

export function measure(
  requests: readonly ServingRequest[],
  { outcomes, duration }: Driven,
  { sla, percentiles }: { readonly sla: Sla; readonly percentiles: readonly number[] },
): Measured {
  const seconds = duration / 1000;
  const paired = outcomes.map((outcome, i) => ({ outcome, planned: requests[i].promptLen }));
  const done = paired.filter(({ outcome }) => outcome.error === null);
  const answers = done.map(({ outcome }) => outcome);
  const input = sum(done.map(({ outcome, planned }) => outcome.promptTokens ?? planned));
  const output = sum(answers.map(({ outputTokens }) => outputTokens));
  const times: Record<MetricName, number[]> = {
    ttft: answers.map(({ ttft }) => ttft),
    tpot: answers.filter(({ outputTokens }) => outputTokens > 1).map(tpotOf),
    itl: answers.flatMap(({ itl }) => itl),
    e2el: answers.map(({ latency }) => latency),
  };
  const good = answers.filter((outcome) => isGood(outcome, sla)).length;
  const figures: Record<string, number | null> = {
    duration: seconds,
    completed: answers.length,
    failed: outcomes.length - answers.length,
    total_input_tokens: input,
    total_output_tokens: output,
    request_throughput: answers.length / seconds,
    request_goodput: Object.keys(sla).length > 0 ? good / seconds : null,
    output_throughput: output / seconds,
    total_token_throughput: (input + output) / seconds,
    ...peaks(answers),
  };
  for (const name of metricNames) Object.assign(figures, summary(name, times[name], percentiles));
  return {
    figures,
    errorCounts: countOf(outcomes.flatMap(({ error }) => (error === null ? [] : [error]))),
    tokenCounts: oneOf(answers.map(({ counted }) => counted)) ?? 'chunks',
    inputCounts: oneOf(answers.map(({ promptTokens }) => (promptTokens === null ? 'planned' : 'usage'))) ?? 'planned',
  };
}

function tpotOf({ latency, ttft, outputTokens }: Outcome): number {
  return outputTokens > 1 ? (latency - ttft) / (outputTokens - 1) : 0;
}

function isGood(outcome: Outcome, { ttft = Infinity, tpot = Infinity, e2el = Infinity }: Sla): boolean {
  return outcome.ttft <= ttft && tpotOf(outcome) <= tpot && outcome.latency <= e2el;
}

function summary(
  name: MetricName,
  values: readonly number[],
  percentiles: readonly number[],
): Record<string, number | null> {
  const ascending = [...values].sort((a, b) => a - b);
  const isEmpty = ascending.length === 0;
  const mean = sum(ascending) / ascending.length;
  const std = Math.sqrt(sum(ascending.map((x) => (x - mean) ** 2)) / ascending.length);
  const keys: [string, number][] = [
    [`mean_${name}_ms`, mean],
    [`median_${name}_ms`, percentile(ascending, 50)],
    [`std_${name}_ms`, std],
    ...percentiles.map((p): [string, number] => [`p${p}_${name}_ms`, percentile(ascending, p)]),
  ];
  return Object.fromEntries(keys.map(([key, value]) => [key, isEmpty ? null : value]));
}

/** numpy's default: linear between the two nearest ranks. */
export function percentile(ascending: readonly number[], p: number): number {
  const at = (p / 100) * (ascending.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, ascending.length - 1);
  if (ascending.length === 0) return NaN;
  return ascending[below] + (at - below) * (ascending[above] - ascending[below]);
}

/** The most pieces in one second, and the most requests that were under way in one, counted from the first request. */
function peaks(answers: readonly Outcome[]): { max_output_tokens_per_s: number; max_concurrent_requests: number } {
  const start = Math.min(...answers.map(({ startTime }) => startTime));
  const second = (time: number): number => Math.floor((time - start) / 1000);
  const tokens = new Map<number, number>();
  const running = new Map<number, number>();
  const add = (to: Map<number, number>, key: number): void => void to.set(key, (to.get(key) ?? 0) + 1);
  for (const { startTime, ttft, itl, latency } of answers) {
    let time = startTime + ttft;
    add(tokens, second(time));
    for (const gap of itl) add(tokens, second((time += gap)));
    for (let s = second(startTime); s <= second(startTime + latency); s++) add(running, s);
  }
  const most = (of: Map<number, number>): number => [...of.values()].reduce((a, b) => Math.max(a, b), 0);
  return { max_output_tokens_per_s: most(tokens), max_concurrent_requests: most(running) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function countOf(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

/** Undefined for none. */
function oneOf<T extends string>(values: readonly T[]): T | 'mixed' | undefined {
  const distinct = new Set(values);
  return distinct.size > 1 ? 'mixed' : values[0];
}
