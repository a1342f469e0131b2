/**
 * What a model, a file or a hub wrote, on its way to a terminal. A terminal obeys escape codes (titles, the clipboard,
 * text that hides other text); a pipe does not, so what goes through one stays as it is, as with GNU ls.
 */

/** Line feeds and tabs stay; other controls become their pictures (ESC → ␛), those without one U+FFFD. */
export function printable(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/[^\P{Cc}\n\t]/gu, (control) => {
    const code = control.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '␡' : '\ufffd';
  });
}

/** The part of process.stdout and process.stderr that is written to. */
export type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write' | 'once' | 'off'>;

/** Writes text that is not ours: printable on a terminal, unchanged elsewhere. */
export function writeForeign(output: Output, text: string): void {
  output.write(output.isTTY ? printable(text) : text);
}
