/** Every file and every flag that the documents name is there. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../../', import.meta.url));
const git = (...args: string[]): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...args], { cwd: root })
    .toString()
    .trim()
    .split('\n');
const read = (file: string): string => readFileSync(root + file, 'utf8');

const files = new Set(git());
const folders = new Set([...files].flatMap((file) => ancestors(file)));
const names = new Set([...files].map((file) => basename(file)));
/** What was written is history: files that it names may be gone. */
const history = /^(CHANGELOG|docs\/log)\.md$/;
const documents = [...files].filter((f) => /^(\w+\.md|(docs|bench)\/.*\.md)$/.test(f) && !history.test(f));

/** Flags of programs that are not ours. */
const foreign = new Set([
  ...['--ignore-scripts', '--disable-coverage', '--reporter'], // npm, tap
  ...['--cpu-prof', '--initial-old-space-size', '--max-semi-space-size'], // node
  ...['--auth-type'], // qwen-code
  ...['--cb-failure-threshold', '--health-check-interval-secs', '--worker-urls'], // sglang-router
]);

function ancestors(file: string): string[] {
  const folder = dirname(file);
  return folder === '.' ? [] : [folder, ...ancestors(folder)];
}

/** Words in code spans, and link targets. */
function words(text: string): string[] {
  const spans = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, span]) => span.split(/\s+/));
  const links = [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, target]) => target).filter((link) => !/^\w+:/.test(link));
  return [...spans.map((word) => word.replace(/^\(+|[),;:]+$/g, '')), ...links].map((w) => w.replace(/\/$/, ''));
}

/** Ours, and neither a pattern (`parsers/*.ts`, `FILE.gguf`) nor part of an address. */
function namesFile(word: string): boolean {
  if (!/^[\w./-]+$/.test(word) || /\b(NAME|FILE|DIR)\b/.test(word)) return false;
  return (
    /^(\.{0,2}\/)?(src|test|bench|docs|examples|scripts|server|engine|model|kernels|gpu|tensor|text|commands)\//.test(
      word,
    ) || /^[\w./-]*\w\.(ts|mjs|py|wgsl|md)$/.test(word)
  );
}

function exists(word: string, document: string): boolean {
  const places = [word, `src/${word}`, posix.join(dirname(document), word)].map((path) => posix.normalize(path));
  if (places.some((path) => files.has(path) || folders.has(path))) return true;
  return word.includes('/') ? [...files, ...folders].some((path) => path.endsWith(`/${word}`)) : names.has(word);
}

t.test('files', async (t) => {
  for (const document of documents) {
    const missing = words(read(document)).filter((word) => namesFile(word) && !exists(word, document));
    t.same([...new Set(missing)], [], document);
  }
});

t.test('flags', async (t) => {
  const sources = [...files].filter((file) => /^(src|bench|scripts|test\/clients)\/.*\.(ts|mjs|py)$/.test(file));
  const known = new Set<string>();
  for (const source of sources) {
    for (const [, flag] of read(source).matchAll(/(?:--|['"]|^ +)((?:no-)?[a-z][a-z0-9_-]*)/gm))
      known.add(canonical(flag));
  }
  for (const document of documents) {
    const flags = [...read(document).matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([flag]) => flag);
    const unknown = flags.filter((flag) => !foreign.has(flag) && !known.has(canonical(flag.slice(2))));
    t.same([...new Set(unknown)], [], document);
  }
});

/** A flag may be written with `_` or `-`. */
function canonical(flag: string): string {
  return flag.replaceAll('_', '-').replace(/^no-/, '');
}
