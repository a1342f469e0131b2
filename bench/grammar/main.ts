/**
 * Structured output over the engine and a model: N random JSON Schemas at temperature 1, or time per token with a grammar,
 * without one, and beside one.
 */
import type { RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { startEngine } from './engine.ts';
import type { spec } from './flags.ts';
import { measureOverhead } from './overhead.ts';
import { runSchemas } from './schemas.ts';

export const run: RunBench<typeof spec> = async (flags) => {
  const bench = await startEngine(await modelPath(flags.model));
  const machine = describeMachine(bench.engine.info.adapter);
  const { schemas: count, seed, parallel, maxTokens, batches, rounds, tokens } = flags;
  if (count === null) {
    const rows = await measureOverhead(bench, batches, rounds, tokens);
    console.table(rows);
    return { result: { machine, rounds, rows } };
  }
  const begin = performance.now();
  const found = await runSchemas(bench, { count, firstSeed: seed, parallel, maxTokens });
  const seconds = Math.round((performance.now() - begin) / 1000);
  return { result: { machine, seed, seconds, ...found }, exitCode: found.failures > 0 ? 1 : 0 };
};
