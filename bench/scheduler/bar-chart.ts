/** Grouped bars as SVG: one row a condition, one group a workload, one bar a policy, its evictions per request above it. */

export interface Bar {
  readonly condition: string;
  readonly workload: string;
  readonly policy: string;
  readonly goodput: number;
  readonly evictions: number;
}

/** In the order in which policies come; beyond them they begin again. */
const colors = ['#2563eb', '#dc2626', '#059669', '#a16207', '#7c3aed', '#0891b2', '#be185d', '#4d7c0f'];

const header = 56;
const rowHeight = 250;
const plot = 180;
const left = 20;
const barWidth = 34;

function groupWidthOf(policies: readonly string[]): number {
  return policies.length * barWidth + 24;
}

export function barChart(title: string, bars: readonly Bar[]): string {
  const conditions = distinct(bars.map((bar) => bar.condition));
  const policies = distinct(bars.map((bar) => bar.policy));
  const groupWidth = groupWidthOf(policies);
  const rows = conditions.map((condition) => bars.filter((bar) => bar.condition === condition));
  const groups = Math.max(...rows.map((row) => distinct(row.map((bar) => bar.workload)).length));
  const width = left + groups * groupWidth + 20;
  const height = header + rows.length * rowHeight;
  const legend = policies.flatMap((policy, i) => [
    `<rect x="${left + i * 120}" y="32" width="12" height="12" fill="${colors[i % colors.length]}"/>`,
    text(left + i * 120 + 18, 43, policy, 12, 'start'),
  ]);
  const parts = [
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(left, 22, `${title} (above each bar: evictions per request)`, 15, 'start'),
    ...legend,
    ...rows.flatMap((row, i) => drawRow(conditions[i], row, header + i * rowHeight, policies)),
  ];
  const style = 'font-family="sans-serif" fill="#111"';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${style}>\n${parts.join('\n')}\n</svg>\n`;
}

function drawRow(condition: string, bars: readonly Bar[], top: number, policies: readonly string[]): string[] {
  const groupWidth = groupWidthOf(policies);
  const groups = distinct(bars.map((bar) => bar.workload));
  const drawn = groups.flatMap((workload, i) => {
    const own = bars.filter((bar) => bar.workload === workload);
    return drawGroup(workload, own, left + i * groupWidth, top + 20, policies);
  });
  return [text(left, top + 16, condition, 14, 'start'), ...drawn];
}

/** Each group has its own scale: workloads differ by a factor of ten. */
function drawGroup(
  workload: string,
  bars: readonly Bar[],
  x0: number,
  top: number,
  policies: readonly string[],
): string[] {
  const most = Math.max(...bars.map((bar) => bar.goodput));
  const drawn = bars.flatMap((bar) => {
    const h = (bar.goodput / most) * (plot - 20);
    const i = policies.indexOf(bar.policy);
    const x = x0 + i * barWidth;
    const y = top + plot - h;
    return [
      `<rect x="${x}" y="${y.toFixed(1)}" width="${barWidth - 4}" height="${h.toFixed(1)}" fill="${colors[i % colors.length]}"/>`,
      text(x + barWidth / 2 - 2, y - 4, bar.evictions.toFixed(2), 10),
      text(x + barWidth / 2 - 2, top + plot + 12, bar.goodput.toFixed(0), 10),
    ];
  });
  return [...drawn, text(x0 + (policies.length * barWidth) / 2, top + plot + 30, workload, 13)];
}

function text(x: number, y: number, content: string, size: number, anchor = 'middle'): string {
  return `<text x="${x}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}">${content}</text>`;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
