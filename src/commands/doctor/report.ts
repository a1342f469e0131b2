/** Lines of the doctor's report, and what to do about each problem. */
export interface Finding {
  readonly what: string;
  readonly value: string;
  /** `bad`: nothing can be served until it is put right. */
  readonly state: 'ok' | 'note' | 'bad';
  readonly advice?: readonly string[];
}

const marks = { ok: '✓', note: '·', bad: '✗' };

export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.flatMap(({ what, value, state, advice = [] }) => [
    `${marks[state]} ${what.padEnd(width)}  ${value}`,
    ...advice.map((line) => `  ${' '.repeat(width)}  ${line}`),
  ]);
  return `${lines.join('\n')}\n`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}
