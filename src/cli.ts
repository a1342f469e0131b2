#!/usr/bin/env node
/**
 * The command line: `dawnlight COMMAND`. Flags come from the tables in config.ts. A command's own modules are loaded
 * when it runs, so that help and wrong flags answer at once.
 */
import { Command } from 'commander';
import { addSettings, exitWith, readSettings, run } from './commands/flags.ts';
import { packageVersion } from './commands/package-version.ts';
import {
  chatSettings as chatting,
  engineSettings as engine,
  examEngineSettings as examEngine,
  examSettings as examining,
  generateSettings as generation,
  inspectSettings as inspecting,
  parseSettings as parsing,
  serverSettings as server,
} from './config.ts';

const program = new Command('dawnlight')
  .description('LLM inference in TypeScript and WGSL, with an OpenAI-compatible server.')
  .version(packageVersion());
const add = (name: string, doc: string, ...tables: Parameters<typeof addSettings>[1][]): Command =>
  tables.reduce((command, table) => addSettings(command, table), program.command(name).description(doc));

add('serve', 'serve a model over HTTP', engine, server).action(async (_, c: Command) =>
  (await import('./commands/serve.ts')).serve(readSettings(c, engine), readSettings(c, server)),
);
add('chat', 'talk with a model in the terminal', engine, chatting).action(async (_, c: Command) =>
  (await import('./commands/chat.ts')).chat(
    readSettings(c, engine),
    readSettings(c, server),
    readSettings(c, chatting),
  ),
);
add('generate', 'continue a text', engine, generation).action(async (_, c: Command) =>
  (await import('./commands/generate.ts')).generate(readSettings(c, engine), readSettings(c, generation)),
);
add('inspect', 'what a model is and what it takes in memory', engine, inspecting).action(async (_, c: Command) =>
  (await import('./commands/inspect.ts')).inspect(readSettings(c, engine), readSettings(c, inspecting)),
);
add('exam', 'is a checkpoint computed right: compare with what transformers answered', examEngine, examining).action(
  async (_, c: Command) =>
    exitWith((await import('./commands/exam/exam.ts')).exam(readSettings(c, examEngine), readSettings(c, examining))),
);
add('parse', 'read tool calls out of what a model wrote on stdin', parsing).action(async (_, c: Command) =>
  (await import('./commands/parse.ts')).parse(readSettings(c, parsing)),
);
add('pull', 'put a model into the cache')
  .argument('[name]', 'default, a short name such as qwen2.5:0.5b, or a Hugging Face repository: owner/repo')
  .action(async (name?: string) => exitWith((await import('./commands/pull/pull.ts')).pull(name)));
add('doctor', 'what this machine has, and what to do about each problem').action(async () =>
  exitWith((await import('./commands/doctor/doctor.ts')).doctor()),
);

await run(program, process.argv.slice(2));
