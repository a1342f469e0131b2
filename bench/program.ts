/**
 * The benches' command line, made from what each bench/NAME/flags.ts declares. Help and wrong flags answer before anything
 * of a bench is loaded. A bench that fails ends in one line on stderr, `{"bench":…,"error":…}` as the last of stdout, and
 * exit code 1.
 */
import { existsSync, readdirSync } from 'node:fs';
import { Command } from 'commander';
import { addSettings, readSettings } from '../src/commands/flags.ts';
import { toEngineError } from '../src/errors.ts';
import type { BenchSpec, RunBench } from './helpers/declare.ts';

const here = new URL('./', import.meta.url);
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Every folder with a flags.ts is a bench. */
export async function declaredBenches(): Promise<BenchSpec[]> {
  const folders = readdirSync(here).filter((name) => existsSync(new URL(`${name}/flags.${extension}`, here)));
  const modules = folders.map((name) => import(`./${name}/flags.${extension}`) as Promise<{ spec: BenchSpec }>);
  return (await Promise.all(modules)).map(({ spec }) => spec);
}

type LoadBench = (name: string) => Promise<{ run: RunBench<BenchSpec> }>;
const loadMain: LoadBench = (name) => import(`./${name}/main.${extension}`) as ReturnType<LoadBench>;

async function runBench(spec: BenchSpec, command: Command, load: LoadBench): Promise<void> {
  const print = (result: object): void => console.log(JSON.stringify({ bench: spec.name, ...result }));
  const broken = (): void => {
    print({ error: 'the process ended before the bench did' });
    process.exitCode = 1;
  };
  process.once('exit', broken);
  try {
    const main = await load(spec.name);
    const { result, exitCode = 0 } = await main.run(readSettings(command, spec.flags), command.args);
    print(result);
    process.exitCode = exitCode;
  } catch (error) {
    print({ error: toEngineError(error).message });
    throw error;
  } finally {
    process.off('exit', broken);
  }
}

export function benchProgram(specs: readonly BenchSpec[], load = loadMain): Command {
  const program = new Command('bench').description('Each measures one thing and ends in a line of JSON.');
  for (const spec of specs) {
    const command = program.command(spec.name).description(spec.measures);
    for (const operand of spec.operands ?? []) command.argument(operand);
    const examples = spec.examples.map((example) => `  npm run bench -- ${spec.name} ${example}`.trimEnd());
    const more = spec.more === undefined ? '' : `\n${spec.more}\n`;
    addSettings(command, spec.flags)
      .addHelpText('after', `${more}\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${examples.join('\n')}`)
      .action(() => runBench(spec, command, load));
  }
  return program;
}
