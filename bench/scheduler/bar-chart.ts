/** Grouped bars as SVG: one group a workload, one bar a policy, its evictions per request written above it. */

export interface Bar {
  readonly workload: string;
  readonly policy: string;
  readonly goodput: number;
  readonly evictions: number;
}

const colors: Readonly<Record<string, string>> = {
  'past-future': '#2563eb',
  aggressive: '#dc2626',
  conservative: '#059669',
  fcfs: '#a16207',
};

const height = 360;
const top = 60;
const left = 60;
const barWidth = 34;
const gap = 36;

export function barChart(title: string, bars: readonly Bar[]): string {
  const groups = [...new Set(bars.map((bar) => bar.workload))];
  const policies = Object.keys(colors);
  const groupWidth = policies.length * barWidth + gap;
  const width = left + groups.length * groupWidth + 20;
  const plot = height - top - 50;
  const parts: string[] = [];
  const text = (x: number, y: number, content: string, size = 12, anchor = 'middle'): void => {
    parts.push(`<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}">${content}</text>`);
  };

  text(left, 22, `${title} (above each bar: evictions per request)`, 15, 'start');
  policies.forEach((policy, i) => {
    parts.push(`<rect x="${left + i * 120}" y="32" width="12" height="12" fill="${colors[policy]}"/>`);
    text(left + i * 120 + 18, 43, policy, 12, 'start');
  });
  groups.forEach((group, g) => {
    const own = bars.filter((bar) => bar.workload === group);
    // Each group has its own scale: workloads differ by a factor of ten.
    const most = Math.max(...own.map((bar) => bar.goodput));
    const x0 = left + g * groupWidth;
    policies.forEach((policy, p) => {
      const bar = own.find((one) => one.policy === policy);
      if (!bar) return;
      const h = (bar.goodput / most) * (plot - 20);
      const x = x0 + p * barWidth;
      const y = top + plot - h;
      parts.push(`<rect x="${x}" y="${y}" width="${barWidth - 4}" height="${h}" fill="${colors[policy]}"/>`);
      text(x + barWidth / 2 - 2, y - 4, bar.evictions.toFixed(2), 10);
      text(x + barWidth / 2 - 2, top + plot - 6, bar.goodput.toFixed(0), 10);
    });
    text(x0 + (policies.length * barWidth) / 2, height - 28, group, 13);
  });
  const style = 'font-family="sans-serif" fill="#111"';
  const background = `<rect width="${width}" height="${height}" fill="#fff"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${style}>\n${background}\n${parts.join('\n')}\n</svg>\n`;
}
