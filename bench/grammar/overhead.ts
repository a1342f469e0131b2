/**
 * What a grammar costs a token: decoding with and without a permissive one, and decoding without one beside requests that
 * have one, in alternating rounds.
 */
import type { ConstraintSpec } from '../../src/engine/constraint.ts';
import { defaultSamplingParams, type EngineClient } from '../../src/engine/types.ts';
import { jsonDialect } from '../../src/server/structured-output/dialect.ts';
import { Grammar } from '../../src/server/structured-output/ebnf.ts';
import { SchemaGrammar } from '../../src/server/structured-output/schema-grammar.ts';
import { median } from '../helpers/machine.ts';
import type { BenchEngine } from './engine.ts';

export interface OverheadRow {
  readonly batch: number;
  /** Median milliseconds between a request's tokens. */
  readonly free: number;
  readonly constrained: number;
  /** Of requests without a grammar where every second one has one. */
  readonly beside: number;
  /** Medians over the rounds of the quotient within each. */
  readonly constrainedRatio: number;
  readonly besideRatio: number;
}

/** A list of any JSON that never ends, so that both sides write as many tokens. */
const endless: ConstraintSpec = { kind: 'grammar', text: endlessList(), param: null };

function endlessList(): string {
  const grammar = new Grammar();
  const value = new SchemaGrammar(grammar, jsonDialect, true).value(true);
  const rest = grammar.once('rest', `${value} ${jsonDialect.comma} rest`);
  return grammar.text(`"[" ${rest}`);
}

export async function measureOverhead(
  { engine }: BenchEngine,
  batches: readonly number[],
  rounds: number,
  tokens: number,
): Promise<OverheadRow[]> {
  await gaps(engine, [true, false], 8);
  const rows: OverheadRow[] = [];
  for (const batch of batches) {
    const all = { free: [] as number[], constrained: [] as number[], beside: [] as number[] };
    const of = (isConstrained: (i: number) => boolean) => Array.from({ length: batch }, (_, i) => isConstrained(i));
    for (let round = 0; round < rounds; round++) {
      all.free.push(
        (
          await gaps(
            engine,
            of(() => false),
            tokens,
          )
        ).free,
      );
      all.constrained.push(
        (
          await gaps(
            engine,
            of(() => true),
            tokens,
          )
        ).constrained,
      );
      all.beside.push(
        batch === 1
          ? NaN
          : (
              await gaps(
                engine,
                of((i) => i % 2 === 0),
                tokens,
              )
            ).free,
      );
    }
    const ratio = (values: readonly number[]) => median(values.map((value, i) => value / all.free[i]));
    rows.push({
      batch,
      free: median(all.free),
      constrained: median(all.constrained),
      beside: median(all.beside),
      constrainedRatio: ratio(all.constrained),
      besideRatio: ratio(all.beside),
    });
  }
  return rows;
}

/** Median time between tokens, of the requests without and of those with a grammar. */
async function gaps(engine: EngineClient, isConstrained: readonly boolean[], tokens: number) {
  const times = { free: [] as number[], constrained: [] as number[] };
  await Promise.all(
    isConstrained.map(async (constrained, i) => {
      const constraint = constrained ? endless : null;
      const params = {
        ...defaultSamplingParams,
        temperature: 1,
        seed: i,
        maxTokens: tokens,
        ignoreEos: true,
        constraint,
      };
      let last: number | null = null;
      for await (const output of engine.generate([1, 1000 + i, 2000, 3000], params)) {
        if (output.tokenIds.length === 0) continue;
        const now = performance.now();
        if (last !== null) times[constrained ? 'constrained' : 'free'].push(now - last);
        last = now;
      }
    }),
  );
  return { free: median(times.free), constrained: median(times.constrained) };
}
