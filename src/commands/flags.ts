/** Command lines from the settings tables of config.ts, and the one place where a command's failure is reported. */
import { Command, CommanderError, Option } from 'commander';
import { toEngineError } from '../errors.ts';
import type { ConfigOf, Setting } from '../settings.ts';
import { dropIgnoredFlags } from './lightllm-flags.ts';
import { printable } from './terminal-text.ts';

type Table = Record<string, Setting<unknown>>;

/** Adds one option for each flag of each setting; the flags after the first are hidden aliases. */
export function addSettings(command: Command, table: Table): Command {
  for (const setting of Object.values(table)) {
    setting.flags.forEach((flag, i) => command.addOption(toOption(setting, flag).hideHelp(i > 0)));
  }
  return command;
}

function toOption(setting: Setting<unknown>, flag: string): Option {
  const value = setting.placeholder === null ? '' : ` ${bracketed(setting.placeholder, setting.list ? '...' : '')}`;
  const shown =
    setting.default === null || setting.placeholder === null || setting.default === '' ? '' : defaultText(setting);
  const option = new Option(`--${flag}${value}`, setting.doc + shown);
  if (setting.placeholder === null) return option;
  return option.argParser((text: string, previous: unknown) => {
    const parsed = setting.parse(text, `--${flag}`);
    return setting.list ? [...((previous as unknown[] | undefined) ?? []), parsed] : parsed;
  });
}

/** `<path>`, or `[dir]` as it is: a flag whose value may be left out, and is '' then. */
function bracketed(placeholder: string, dots: string): string {
  return placeholder.startsWith('[') ? placeholder : `<${placeholder}${dots}>`;
}

function defaultText(setting: Setting<unknown>): string {
  return setting.list ? '' : ` (default ${String(setting.default)})`;
}

/** The values of a table as given on the command line; settings that were not given have their defaults. */
export function readSettings<T extends Table>(command: Command, table: T): ConfigOf<T> {
  const given = command.opts<Record<string, unknown>>();
  const entries = Object.entries(table).map(([key, setting]) => {
    const flags = setting.flags.map((flag) => new Option(`--${flag}`).attributeName());
    const set = flags.filter((name) => command.getOptionValueSource(name) === 'cli');
    if (set.length === 0) return [key, structuredClone(setting.default)];
    if (setting.placeholder === null) return [key, !(setting.default as boolean)];
    if (setting.list) return [key, set.flatMap((name) => given[name] as unknown[])];
    const value = given[set.at(-1)!];
    // Of a flag whose value was left out.
    return [key, value === true ? '' : value];
  });
  return Object.fromEntries(entries) as ConfigOf<T>;
}

/** `--max-total-token-num` and `--max_total_token_num` are one flag; what names no flag stays as it was typed. */
export function normalizeFlags(args: readonly string[], program: Command): string[] {
  const flat = (name: string): string => name.replaceAll('_', '-');
  const known = new Map(program.commands.flatMap((c) => c.options.map((o) => [flat(o.long ?? ''), o.long ?? ''])));
  const end = args.indexOf('--');
  return args.map((arg, i) => {
    if (!arg.startsWith('--') || (end >= 0 && i >= end)) return arg;
    const [name = '', ...value] = arg.split('=');
    return [known.get(flat(name)) ?? name, ...value].join('=');
  });
}

/** Runs the program. Whatever goes wrong is one line on stderr and exit code 1. */
export async function run(program: Command, args: readonly string[]): Promise<void> {
  process.stdout.on('error', ignoreClosedPipe);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    command.allowExcessArguments(false);
  }
  try {
    const known = args[0] === 'serve' ? dropIgnoredFlags(args, (line) => process.stderr.write(`${line}\n`)) : args;
    await program.parseAsync(normalizeFlags(known, program), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    process.stderr.write(`${program.name()}: ${oneLine(error)}\n`);
    if (process.env['DAWNLIGHT_DEBUG']) console.error(error);
    process.exitCode = 1;
  }
}

/** `dawnlight … | head`: that nobody reads any more is no failure. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** For commands that report their failures themselves. */
export async function exitWith(code: Promise<number>): Promise<void> {
  process.exitCode = await code;
}

function oneLine(error: unknown): string {
  if (error instanceof CommanderError && error.code === 'commander.help') return 'give a command; --help lists them';
  const { message } = error instanceof CommanderError ? error : toEngineError(error);
  const lines = message.replace(/^error: /, '').split('\n');
  return printable(lines.map((line) => line.trim()).join(' '));
}
