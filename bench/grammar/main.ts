/**
 * Structured output over the engine and a model.
 *   npm run bench -- grammar --model FILE.gguf --schemas N [--seed S] [--parallel 16] [--max_tokens 256]
 *   npm run bench -- grammar --model FILE.gguf [--batches 1,16] [--rounds N] [--tokens N]
 * The first: N random JSON Schemas at temperature 1; exits with 1 when an answer that ended by itself is not valid. The
 * second: time per token with a grammar, without one, and beside one.
 */
import { parseArgs } from 'node:util';
import { describeMachine } from '../helpers/machine.ts';
import { startEngine } from './engine.ts';
import { measureOverhead } from './overhead.ts';
import { runSchemas } from './schemas.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string' },
    schemas: { type: 'string' },
    seed: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '16' },
    max_tokens: { type: 'string', default: '256' },
    batches: { type: 'string', default: '1,16' },
    rounds: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '64' },
  },
});
if (!flags.model) throw new Error('--model FILE.gguf is needed');
const bench = await startEngine(flags.model);
const machine = describeMachine(bench.engine.info.adapter);
let failed = false;
if (flags.schemas !== undefined) {
  const begin = performance.now();
  const result = await runSchemas(bench, {
    count: Number(flags.schemas),
    firstSeed: Number(flags.seed),
    parallel: Number(flags.parallel),
    maxTokens: Number(flags.max_tokens),
  });
  const seconds = Math.round((performance.now() - begin) / 1000);
  failed = result.failures > 0;
  console.log(JSON.stringify({ bench: 'grammar', machine, seed: Number(flags.seed), seconds, ...result }));
} else {
  const batches = flags.batches.split(',').map(Number);
  const rows = await measureOverhead(bench, batches, Number(flags.rounds), Number(flags.tokens));
  console.table(rows);
  console.log(JSON.stringify({ bench: 'grammar', machine, rounds: Number(flags.rounds), rows }));
}
process.exit(failed ? 1 : 0);
