/** Lines over two logarithmic axes as SVG. */

export interface Line {
  readonly name: string;
  /** One for each position on the x axis. */
  readonly values: readonly number[];
}

const width = 640;
const height = 360;
const left = 70;
const top = 40;
const right = 260;
const bottom = 40;
const colors = ['#dc2626', '#2563eb', '#059669', '#a16207', '#7c3aed'];

export function linePlot(title: string, xs: readonly number[], lines: readonly Line[]): string {
  const drawn = lines.filter(({ values }) => values.every((value) => Number.isFinite(value)));
  const all = drawn.flatMap(({ values }) => values);
  const [low, high] = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))];
  const x = (value: number) =>
    left + ((width - left - right) * Math.log10(value / (xs[0] ?? 1))) / Math.log10((xs.at(-1) ?? 10) / (xs[0] ?? 1));
  const y = (value: number) => height - bottom - ((height - top - bottom) * (Math.log10(value) - low)) / (high - low);
  const parts = [`<text x="${left}" y="22" font-size="14">${title}</text>`];
  for (let power = low; power <= high; power++) {
    const at = y(10 ** power);
    parts.push(`<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}" stroke="#ddd"/>`);
    parts.push(`<text x="${left - 8}" y="${at + 4}" font-size="11" text-anchor="end">${10 ** power}</text>`);
  }
  for (const value of xs) {
    parts.push(
      `<text x="${x(value)}" y="${height - bottom + 18}" font-size="11" text-anchor="middle">${value / 1000} kB</text>`,
    );
  }
  drawn.forEach(({ name, values }, i) => {
    const color = colors[i % colors.length] ?? '#000';
    const points = values.map((value, j) => `${x(xs[j] ?? 1)},${y(value)}`).join(' ');
    parts.push(`<polyline points="${points}" fill="none" stroke="${color}" stroke-width="2"/>`);
    parts.push(
      `<text x="${width - right + 12}" y="${top + 16 + 18 * i}" font-size="11" fill="${color}">${name}</text>`,
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif">\n<rect width="${width}" height="${height}" fill="#fff"/>\n${parts.join('\n')}\n</svg>\n`;
}
