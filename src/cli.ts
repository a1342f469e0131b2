#!/usr/bin/env node
/** The command line: `dawnlight COMMAND`. Flags come from the tables in config.ts. */
import { Command } from 'commander';
import { chat } from './commands/chat.ts';
import { doctor } from './commands/doctor/doctor.ts';
import { addSettings, exitWith, readSettings, run } from './commands/flags.ts';
import { generate } from './commands/generate.ts';
import { inspect } from './commands/inspect.ts';
import { parse, parseSettings as parsing } from './commands/parse.ts';
import { pull } from './commands/pull/pull.ts';
import { serve } from './commands/serve.ts';
import { engineSettings as engine, generateSettings as generation, serverSettings as server } from './config.ts';

const program = new Command('dawnlight').description(
  'LLM inference in TypeScript and WGSL, with an OpenAI-compatible server.',
);
const add = (name: string, doc: string, ...tables: Parameters<typeof addSettings>[1][]): Command =>
  tables.reduce((command, table) => addSettings(command, table), program.command(name).description(doc));

add('serve', 'serve a model over HTTP', engine, server).action((_, c: Command) =>
  serve(readSettings(c, engine), readSettings(c, server)),
);
add('chat', 'talk with a model in the terminal', engine, generation).action((_, c: Command) =>
  chat(readSettings(c, engine), readSettings(c, server), readSettings(c, generation)),
);
add('generate', 'continue a text', engine, generation).action((_, c: Command) =>
  generate(readSettings(c, engine), readSettings(c, generation)),
);
add('inspect', 'what a model is and what it takes in memory', engine).action((_, c: Command) =>
  inspect(readSettings(c, engine)),
);

add('parse', 'read tool calls out of what a model wrote on stdin', parsing).action((_, c: Command) =>
  parse(readSettings(c, parsing)),
);
add('pull', 'put a model into the cache')
  .argument('[name]', 'default, or a Hugging Face repository: owner/repo')
  .action(async (name?: string) => exitWith(await pull(name)));
add('doctor', 'what this machine has, and what to do about each problem').action(async () => exitWith(await doctor()));

await run(program, process.argv.slice(2));
