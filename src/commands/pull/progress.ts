/** A progress bar on a terminal; a line at the start and at the end elsewhere. */
import { SingleBar } from 'cli-progress';

export interface Progress {
  start(what: string, totalBytes: number): void;
  /** Bytes so far, all in all. */
  update(bytes: number): void;
  stop(): void;
  /** A line of its own. */
  log(line: string): void;
}

/** Cells of the bar on a wide terminal, and what else the line holds: `98.4/98.4 MB, 10 s left`. */
const BAR = 24;
const FIGURES = 28;

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

export function terminalProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  let bar: SingleBar | null = null;
  return {
    start(what, totalBytes) {
      if (!stream.isTTY) {
        stream.write(`${what}: ${megabytes(totalBytes)} MB\n`);
        return;
      }
      const room = Math.max(0, Math.min(BAR, stream.columns - what.length - FIGURES));
      bar = new SingleBar({
        stream,
        format: (_, { progress, value, total, eta }) =>
          `${what} ${'█'.repeat(Math.round(progress * room)).padEnd(room, '░')} ${megabytes(value)}/${megabytes(total)} MB` +
          (Number.isFinite(eta) ? `, ${eta} s left` : ''),
        etaBuffer: 50,
      });
      bar.start(totalBytes, 0);
    },
    update: (bytes) => bar?.update(bytes),
    stop() {
      bar?.stop();
      bar = null;
    },
    log: (line) => void stream.write(`${line}\n`),
  };
}
