// `npm run wgsl`: the names of all kernels; `npm run wgsl -- NAME [--adapter lavapipe|gpu]`: the text of one as it runs, with
// its includes, its defines and, in a comment, its override constants. Needs no adapter: kernels are recorded, not compiled.
import { wgslCommand } from '../test/helpers/wgsl-command.ts';

const { out, errors, code } = await wgslCommand(process.argv.slice(2));
process.stdout.write(out);
process.stderr.write(errors);
process.exitCode = code;
