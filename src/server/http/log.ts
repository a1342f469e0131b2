/** Lines of the server's log. What a client wrote may be part of an error, and may hold line breaks and escape codes. */
import { inspect } from 'node:util';

/** One entry on stderr: control characters come out escaped, and no line but the first begins at the margin. */
export function logError(what: unknown): void {
  console.error(logEntry(typeof what === 'string' ? what : inspect(what)));
}

export function logEntry(text: string): string {
  const lines = text.replace(/\r\n?|[\u2028\u2029]/g, '\n').split('\n');
  const escaped = lines.map((line) => line.replace(/[^\P{C}\t]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`));
  return escaped.map((line, i) => (i === 0 || line.startsWith(' ') ? line : `    ${line}`)).join('\n');
}
