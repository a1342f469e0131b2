/**
 * Dawn says, on the process's own standard error, that it lowers two limits of lavapipe that nothing here uses. There is no
 * switch for it, so file descriptor 2 is a file while the adapter is looked for (a synchronous call), and everything else that
 * was written there follows at once. Only where 2 can be opened again by its path: Linux, a terminal, a file or a pipe; not
 * a socket, and not a file that is standard output too (`> log 2>&1`), where the two would write over one another from then
 * on. `DAWNLIGHT_DEBUG` leaves it alone. A driver that ends the process in that moment leaves the file behind.
 */
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../errors.ts';

const STDERR = 2;
const note = /^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced from .*\n/gm;

/** Runs `body` and passes on what it wrote to standard error, without Dawn's notes. */
export function withoutDawnNotes<T>(body: () => T): T {
  const saved =
    process.platform === 'linux' && !process.env['DAWNLIGHT_DEBUG'] && !sharesPlace() ? openAgain(STDERR) : null;
  if (saved === null) return body();
  const directory = mkdtempSync(join(tmpdir(), 'dawnlight-adapter-'));
  const file = join(directory, 'stderr.log');
  try {
    replaceStderr(openSync(file, 'a'));
    try {
      return body();
    } finally {
      replaceStderr(saved);
    }
  } finally {
    passOn(readFileSync(file, 'utf8').replace(note, ''));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Whether standard output goes on where standard error ends: what is opened again has a place of its own. */
function sharesPlace(): boolean {
  const [out, err] = [1, STDERR].map((fd) => fstatSync(fd));
  if (!err.isFile() || out.dev !== err.dev || out.ino !== err.ino) return false;
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8'));
  return flags === null || (parseInt(flags[1], 8) & constants.O_APPEND) === 0;
}

/** Another descriptor of the same file; null where that cannot be had without waiting. */
function openAgain(fd: number): number | null {
  const { O_WRONLY, O_APPEND, O_NONBLOCK } = constants;
  try {
    if (fstatSync(fd).isSocket()) return null;
    // A pipe that nobody reads would keep the second call waiting; the first says so.
    closeSync(openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK));
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND);
  } catch {
    return null;
  }
}

/** Node has no dup2: what is opened next gets the lowest number that is free. Closes `fd`. */
function replaceStderr(fd: number): void {
  closeSync(STDERR);
  const opened = openAgain(fd);
  closeSync(fd);
  if (opened !== STDERR) throw new EngineError('internal_error', 'standard error could not be put back');
}

function passOn(text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0;) rest = rest.subarray(writeSync(STDERR, rest));
}
