/** WGSL text: `.wgsl` files, what they include, and the constants that a launcher sets in them. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { EngineError } from '../errors.ts';

/** A text that stands in for the file of that name while it is tried (`npm run bench -- kernels --variant`). */
export interface WgslVariant {
  readonly file: string;
  readonly text: string;
  /** Whether a kernel was made from it. */
  used: boolean;
}

let variant: WgslVariant | null = null;

/** Kernels that are compiled from now on take this text; null ends it. */
export function setWgslVariant(next: WgslVariant | null): void {
  variant = next;
}

/**
 * Values by the name of a `const` or an `alias` of the text, files by the name of one that it includes:
 * `{ ROWS: 16, Element: 'f16', 'chunk.f32.wgsl': 'chunk.int4.wgsl' }`.
 */
export type Defines = Readonly<Record<string, number | string>>;

/**
 * The text of a kernel: these files one behind the other, `files` beside the calling module (`base`: its import.meta.url).
 *
 * - A line `// include: ../quantize/q8-block.lavapipe.wgsl` stands for that file; a file is put in once.
 * - A define takes the place of the value in the one line `const NAME = …;` or `alias NAME = …;`. Numbers keep the suffix
 *   that stands there; 'f16' also enables f16.
 * - A define by the name of an included file puts another in its place, out of the same folder.
 * - Directives (enable, requires, diagnostic) move to the top, where WGSL wants them, each once.
 *
 * Throws internal_error where a file is missing, where a define names no such line, or several, or no included file.
 */
export function compose(files: string | readonly string[], base: string, defines: Defines = {}): string {
  const names = typeof files === 'string' ? [files] : files;
  const isFile = ([key]: [string, unknown]) => key.endsWith('.wgsl');
  const all = Object.entries(defines);
  const parts: Parts = { included: new Set(), met: new Set(), swaps: Object.fromEntries(all.filter(isFile)) };
  const text = names.map((name) => withIncludes(new URL(name, base), null, parts)).join('\n');
  const title = names.join(' + ');
  const lost = Object.keys(parts.swaps).find((key) => !parts.met.has(key));
  if (lost !== undefined)
    throw new EngineError('internal_error', `${title} includes no ${lost}; it includes ${[...parts.met].join(', ')}`);
  const values = Object.fromEntries(all.filter((entry) => !isFile(entry)));
  return directivesFirst(
    withDefines(text, values, title),
    all.some(([, value]) => value === 'f16'),
  );
}

/** Generated text with these files in front of it; defines are for the files. */
export function composeWith(files: readonly string[], base: string, generated: string, defines: Defines = {}): string {
  return directivesFirst(`${compose(files, base, defines)}${generated}`, false);
}

const includeLine = /^\/\/ include: (\S+\.wgsl)\n/gm;

/** What has been put in so far. */
interface Parts {
  readonly included: Set<string>;
  /** Names in the include lines. */
  readonly met: Set<string>;
  /** The files that take their places. */
  readonly swaps: Defines;
}

function withIncludes(url: URL, includer: URL | null, parts: Parts): string {
  if (parts.included.has(url.href)) return '';
  parts.included.add(url.href);
  const text = textOf(url, includer);
  const misspelled = /^.*\/\/\s*#?includes?\b[^\n]*\.wgsl$/gim.exec(text.replace(includeLine, ''));
  if (misspelled)
    throw new EngineError('internal_error', `${basename(url.pathname)}: ${misspelled[0]} is no include line`);
  return text.replace(includeLine, (_, path: string) => {
    const named = new URL(path, url);
    const name = basename(path);
    parts.met.add(name);
    const swapped = Object.hasOwn(parts.swaps, name) ? new URL(String(parts.swaps[name]), named) : named;
    return withIncludes(swapped, url, parts);
  });
}

const texts = new Map<string, string>();

function textOf(url: URL, includer: URL | null): string {
  const name = basename(url.pathname);
  if (variant?.file === name) {
    variant.used = true;
    return variant.text;
  }
  let text = texts.get(url.href);
  if (text === undefined) {
    try {
      text = readFileSync(url, 'utf8');
    } catch (cause) {
      const by = includer ? `, which ${basename(includer.pathname)} includes,` : '';
      throw new EngineError('internal_error', `the kernel file ${url.pathname}${by} cannot be read`, { cause });
    }
    texts.set(url.href, text);
  }
  return text;
}

const declarations = /^(?:const|alias) (\w+) = ([^;]+);/gm;

function withDefines(text: string, defines: Defines, name: string): string {
  const counts = new Map<string, number>();
  const defined = text.replace(declarations, (line: string, key: string, old: string) => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (!Object.hasOwn(defines, key)) return line;
    return line.replace(`= ${old};`, () => `= ${literal(defines[key], old, `${name}: ${key}`)};`);
  });
  for (const key of Object.keys(defines)) {
    const count = counts.get(key) ?? 0;
    if (count === 1) continue;
    const what =
      count === 0 ? `declares no ${key}; it has ${[...counts.keys()].join(', ')}` : `declares ${key} ${count} times`;
    throw new EngineError('internal_error', `${name} ${what}`);
  }
  return defined;
}

function literal(value: number | string, old: string, what: string): string {
  if (typeof value === 'string') return value;
  const known = /^\d+(\.\d+)?([uif]?)$/.exec(old);
  if (!known) throw new EngineError('internal_error', `${what} is ${old}, for which ${value} cannot stand`);
  return `${value}${known[2]}`;
}

function directivesFirst(text: string, f16: boolean): string {
  const directives = new Set(f16 ? ['enable f16;'] : []);
  const rest = text.replace(/^(?:enable|requires|diagnostic)\b[^;]*;\n/gm, (line: string) => {
    directives.add(line.trimEnd());
    return '';
  });
  return [...directives, rest].join('\n');
}
