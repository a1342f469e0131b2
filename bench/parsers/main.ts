/**
 * Tool-call parsers against parsing again at each chunk, and our readers of model files against Hugging Face's; or damaged
 * outputs through the tool-call parsers, each whole and cut anywhere.
 */
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { checkFuzzInput, fuzzInput } from '../../test/helpers/fuzz-tool-calls.ts';
import type { FlagsOf, RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { charactersPerToken, compareCalls, rounds, sizes, type CallRow } from './calls.ts';
import type { spec } from './flags.ts';
import { linePlot } from './line-plot.ts';
import { compareReaders } from './readers.ts';

export const run: RunBench<typeof spec> = async (flags) => ({
  result: flags.fuzz === null ? await compare(flags) : fuzz(flags.fuzz),
});

async function compare({ peer, model, plot: plotFile }: FlagsOf<typeof spec>): Promise<object> {
  const rows = (await compareCalls(peer)).map(rounded);
  console.table(rows);
  const readers = (await compareReaders(await modelPath(model))).map(rounded);
  console.table(readers);
  if (plotFile !== null) writeFileSync(plotFile, plot(rows));
  return { machine: describeMachine('none'), charactersPerToken, rounds, rows, readers };
}

function fuzz(numRuns: number): object {
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
  return { fuzz: { runs: numRuns, parses: 2 * numRuns, characters, seconds } };
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
