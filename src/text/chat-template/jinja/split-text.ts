/** `str.split` and its relatives; `most` below zero means no limit, `fromEnd` is `rsplit`. */
import { TemplateError } from './errors.ts';
import { whiteClass } from './white-space.ts';

export function splitText(text: string, separator: string, most: number, fromEnd: boolean): string[] {
  if (separator === '') throw new TemplateError('empty separator');
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  if (fromEnd) return [parts.slice(0, parts.length - most).join(separator), ...parts.slice(parts.length - most)];
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

const words = new RegExp(`[^${whiteClass}]+`, 'g');

export function splitWhite(text: string, most: number, fromEnd: boolean): string[] {
  const found = Array.from(text.matchAll(words));
  const parts = found.map(([word]) => word);
  if (most < 0 || parts.length <= most) return parts;
  if (fromEnd) {
    const last = found[found.length - 1 - most];
    return [text.slice(0, last.index + last[0].length), ...parts.slice(parts.length - most)];
  }
  return [...parts.slice(0, most), text.slice(found[most].index)];
}

const lineEnd = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g;

export function splitLines(text: string, keepEnds: boolean): string[] {
  const lines: string[] = [];
  let start = 0;
  for (const { 0: end, index } of text.matchAll(lineEnd)) {
    lines.push(text.slice(start, index) + (keepEnds ? end : ''));
    start = index + end.length;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}
