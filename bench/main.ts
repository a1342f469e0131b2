/** `npm run bench -- NAME [FLAGS]`, once compiled. */
import { run } from '../src/commands/flags.ts';
import { benchProgram, declaredBenches } from './program.ts';

await run(benchProgram(await declaredBenches()), process.argv.slice(2));
// An engine's thread or a device may be left that would keep the process alive.
process.exit();
