/**
 * What a grammar costs a token: decoding with and without a permissive one, and decoding without one beside requests that
 * have one, in alternating rounds.
 */
import type { ConstraintSpec } from '../../src/engine/grammar/constraint.ts';
import { defaultSamplingParams, type EngineClient } from '../../src/engine/core/types.ts';
import { jsonDialect } from '../../src/text/structured-output/dialect.ts';
import { Grammar } from '../../src/text/structured-output/ebnf.ts';
import { SchemaGrammar } from '../../src/text/structured-output/schema-grammar.ts';
import { median } from '../helpers/machine.ts';
import { whileAllWrite } from '../helpers/while-all-write.ts';
import type { BenchEngine } from './engine.ts';

export interface OverheadRow {
  readonly batch: number;
  /** Milliseconds a token of the median request. */
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
  await perToken(engine, [true, false], 8);
  const rows: OverheadRow[] = [];
  for (const batch of batches) {
    const all = { free: [] as number[], constrained: [] as number[], beside: [] as number[] };
    const measure = (isConstrained: (i: number) => boolean) =>
      perToken(
        engine,
        Array.from({ length: batch }, (_, i) => isConstrained(i)),
        tokens,
      );
    for (let round = 0; round < rounds; round++) {
      all.free.push((await measure(() => false)).free);
      all.constrained.push((await measure(() => true)).constrained);
      all.beside.push(batch === 1 ? NaN : (await measure((i) => i % 2 === 0)).free);
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

/** Milliseconds a token while all of them write: of the median request without and of the one with a grammar. */
async function perToken(engine: EngineClient, isConstrained: readonly boolean[], tokens: number) {
  const requests = await Promise.all(
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
      const times: number[] = [];
      for await (const { tokenIds } of engine.generate([1, 1000 + i, 2000, 3000], params)) {
        for (const _ of tokenIds) times.push(performance.now());
      }
      return times;
    }),
  );
  const { milliseconds, tokens: counts } = whileAllWrite(requests);
  const of = (wanted: boolean) =>
    median(counts.filter((_, i) => isConstrained[i] === wanted).map((count) => milliseconds / count));
  return { free: of(false), constrained: of(true) };
}
