/** The numbers of a result by name: `engine rows[decode 16].ours`. */

export type Figures = Map<string, number[]>;

/** Texts that say when and where, not what: they are no part of a figure's name. */
const circumstances = new Set(['machine', 'date', 'code', 'peer', 'loadAverage', 'serverLog', 'out']);

/** @param lines JSON objects, one a line; lines that are none are skipped */
export function figuresOf(lines: string): Figures {
  const figures: Figures = new Map();
  for (const line of lines.split('\n')) {
    if (!line.startsWith('{')) continue;
    const value = JSON.parse(line) as Record<string, unknown>;
    collect(value, nameOf(value), figures);
  }
  return figures;
}

function collect(value: unknown, path: string, figures: Figures): void {
  if (typeof value === 'number') figures.set(path, [...(figures.get(path) ?? []), value]);
  else if (Array.isArray(value))
    value.forEach((item: unknown, i) => collect(item, `${path}[${isObject(item) ? nameOf(item) || i : i}]`, figures));
  else if (isObject(value))
    for (const [key, item] of Object.entries(value))
      if (!circumstances.has(key))
        collect(item, path === '' ? key : `${path}${path.endsWith(']') ? '.' : ' '}${key}`, figures);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** What tells it from its siblings: its texts, one behind the other. */
function nameOf(value: Record<string, unknown>): string {
  const texts = Object.entries(value).filter(([key, item]) => typeof item === 'string' && !circumstances.has(key));
  return texts.map(([, item]) => item).join(' ');
}
