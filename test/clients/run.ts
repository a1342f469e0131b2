/**
 * `npm run test:clients [-- --into DIR] [NAME…]`: coding agents as they are installed from npm, each for one turn against a
 * server with a scripted engine. The script has the program read a file with its own tool, and answers with the number in
 * it: only a loop that is whole, from the tools to the call, its result and the answer, brings the number to the terminal.
 *
 * They are installed into a temporary folder (about 1.1 GB), or into DIR, where a later run finds them.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startFakeServer } from '../helpers/fake-server.ts';
import { type Place, type Program, programs } from './programs.ts';
import { type Exchange, refuseOthers, watchRequests } from './watch.ts';

const INSTALL_SECONDS = 600;
const TURN_SECONDS = 240;
const question = 'Which number is in the file secret.txt?';

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs to the end, or is killed after so many seconds (code null). */
function run(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; seconds: number },
) {
  return new Promise<Run>((done, failed) => {
    const { cwd, env, seconds } = options;
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    child.on('error', failed);
    child.on('close', (code) => {
      clearTimeout(timer);
      done({ code, out, err });
    });
  });
}

/** @returns what went wrong, or null */
async function install({ name }: Program, into: string): Promise<string | null> {
  if (existsSync(join(into, 'node_modules', name))) return null;
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', into, name];
  const { code, err } = await run('npm', args, { cwd: into, env: process.env, seconds: INSTALL_SECONDS });
  return code === 0 ? null : `could not be installed: ${err.trim().split('\n')[0] || 'took too long'}`;
}

interface Turn extends Run {
  readonly secret: string;
  readonly exchanges: readonly Exchange[];
  /** Characters of its longest prompt. */
  readonly longest: number;
  /** What it asked for beside the server. */
  readonly otherHosts: ReadonlySet<string>;
}

async function turn(program: Program, into: string, folder: string): Promise<Turn> {
  const secret = String(randomInt(100_000, 1_000_000));
  const [home, work] = [join(folder, 'home'), join(folder, 'work')];
  for (const directory of [home, work]) mkdirSync(directory, { recursive: true });
  const file = join(work, 'secret.txt');
  writeFileSync(file, `The number is ${secret}.\n`);

  const { engine, server, url } = await startFakeServer();
  engine.info.maxModelLen = 1_000_000;
  const call = program.call(file);
  engine.script = ({ promptText }) => {
    if (promptText.includes(secret)) return { text: `It is ${secret}.`, chunk: 4 };
    const hasTool = promptText.includes('<tools>') && promptText.includes(`"name":"${call.name}"`);
    return { text: hasTool ? `<tool_call>${JSON.stringify(call)}</tool_call>` : 'Reading a file', chunk: 4 };
  };
  const exchanges: Exchange[] = [];
  const otherHosts = new Set<string>();
  const watched = await watchRequests(url, (exchange) => exchanges.push(exchange));
  const elsewhere = await refuseOthers(new URL(watched.url).host, (host) => otherHosts.add(host));
  const place: Place = { url: watched.url, home, work };
  program.configure?.(place);
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    TERM: 'dumb',
    HTTP_PROXY: elsewhere.url,
    HTTPS_PROXY: elsewhere.url,
    NO_PROXY: '127.0.0.1,localhost',
    ...program.env(place),
  };
  try {
    const bin = join(into, 'node_modules', '.bin', program.bin);
    const result = await run(bin, program.args(question), { cwd: work, env, seconds: TURN_SECONDS });
    const longest = Math.max(0, ...engine.calls.map((c) => c.promptText.length));
    return { ...result, secret, exchanges, longest, otherHosts };
  } finally {
    for (const part of [watched, elsewhere]) part.close();
    await server.close(0);
  }
}

/** @returns what is wrong with it, or null */
function verdict(program: Program, { code, out, err, secret, exchanges }: Turn): string | null {
  const refused = exchanges.find((e) => e.status >= 400);
  if (refused !== undefined) return `${refused.method} ${refused.path} was answered with ${refused.status}`;
  if (code === null) return `took more than ${TURN_SECONDS} s`;
  if (code !== 0) return `ended with code ${code}: ${err.trim().split('\n').at(-1)}`;
  if (!exchanges.some((e) => e.path === program.path)) return `did not ask ${program.path}`;
  return out.includes(secret) ? null : `answered without the number: ${JSON.stringify(out.slice(-300))}`;
}

async function test(program: Program, into: string, folder: string): Promise<boolean> {
  const failed = await install(program, into);
  if (failed !== null) {
    console.log(`FAIL ${program.name}: ${failed}`);
    return false;
  }
  const { version } = JSON.parse(readFileSync(join(into, 'node_modules', program.name, 'package.json'), 'utf8')) as {
    version: string;
  };
  const result = await turn(program, into, folder);
  const wrong = verdict(program, result);
  const paths = [...new Set(result.exchanges.map((e) => `${e.method} ${e.path}`))].join(', ');
  console.log(
    `${wrong === null ? 'ok  ' : 'FAIL'} ${program.name} ${version}: ${wrong ?? 'read the file and said the number'}`,
  );
  console.log(`     ${result.exchanges.length} requests (${paths}), the longest prompt ${result.longest} characters`);
  if (result.otherHosts.size > 0) console.log(`     asked for, and refused: ${[...result.otherHosts].join(', ')}`);
  return wrong === null;
}

const { values, positionals } = parseArgs({ options: { into: { type: 'string' } }, allowPositionals: true });
const temporary = mkdtempSync(join(tmpdir(), 'dawnlight-clients-'));
try {
  const into = values.into === undefined ? join(temporary, 'packages') : resolve(values.into);
  mkdirSync(into, { recursive: true });
  const chosen = programs.filter((p) => positionals.length === 0 || positionals.some((name) => p.name.includes(name)));
  const passed: boolean[] = [];
  for (const program of chosen) passed.push(await test(program, into, join(temporary, program.bin)));
  const count = passed.filter(Boolean).length;
  console.log(`${count} passed, ${chosen.length - count} failed`);
  process.exitCode = count === chosen.length && count > 0 ? 0 : 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
