/**
 * Tool-call parsers against parsing again at each chunk, and our readers of model files against Hugging Face's.
 *   npm run bench -- parsers [--peer DIR] [--model FILE.gguf] [--plot FILE.svg]
 *   npm run bench -- parsers --fuzz N
 * `--peer`: a directory in which `npm install partial-json` was run. `--model`: a file for the readers. `--fuzz`: instead,
 * N damaged outputs through the tool-call parsers, each whole and cut anywhere.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { checkFuzzInput, fuzzInput } from '../../test/helpers/fuzz-tool-calls.ts';
import { describeMachine } from '../helpers/machine.ts';
import { charactersPerToken, compareCalls, rounds, sizes, type CallRow } from './calls.ts';
import { linePlot } from './line-plot.ts';
import { compareReaders } from './readers.ts';

const { values: flags } = parseArgs({
  options: {
    peer: { type: 'string' },
    model: { type: 'string' },
    plot: { type: 'string' },
    fuzz: { type: 'string' },
  },
});
if (flags.fuzz === undefined) await compare();
else fuzz(Number(flags.fuzz));

async function compare(): Promise<void> {
  const rows = (await compareCalls(flags.peer)).map(rounded);
  console.table(rows);
  const readers = flags.model === undefined ? [] : (await compareReaders(flags.model)).map(rounded);
  console.table(readers);
  if (flags.plot !== undefined) writeFileSync(flags.plot, plot(rows));
  const machine = describeMachine('none');
  console.log(JSON.stringify({ bench: 'parsers', machine, charactersPerToken, rounds, rows, readers }));
}

function fuzz(numRuns: number): void {
  const begin = performance.now();
  let characters = 0;
  fc.assert(
    fc.property(fuzzInput, (input) => {
      characters += input.text.length;
      checkFuzzInput(input);
    }),
    { numRuns },
  );
  const seconds = Math.round((performance.now() - begin) / 1000);
  console.log(JSON.stringify({ bench: 'parsers', fuzz: { runs: numRuns, parses: 2 * numRuns, characters, seconds } }));
}

function plot(rows: readonly CallRow[]): string {
  const of = (name: string) => rows.filter((row) => row.name === name);
  return linePlot('µs per token of a streamed call, by length of its arguments', sizes, [
    {
      name: 'partial JSON, parsed again at each token',
      values: of('qwen25').map((row) => row.plainMicrosecondsPerToken ?? NaN),
    },
    ...['qwen25', 'mistral', 'qwen3_coder', 'gemma4'].map((name) => ({
      name,
      values: of(name).map((row) => row.microsecondsPerToken),
    })),
  ]);
}

/** Numbers to three digits. */
function rounded<T extends object>(row: T): T {
  const entries = Object.entries(row).map(([key, value]) => [
    key,
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(3)) : (value as unknown),
  ]);
  return Object.fromEntries(entries) as T;
}
