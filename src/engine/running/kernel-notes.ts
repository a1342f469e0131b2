/** What is known of a model's kernels on this machine, kept in Dawnlight's own folder as long as the kernels stay as they are. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dawnlightHome } from '../../home.ts';

/** A JSON file. Nothing depends on it: what cannot be read is not known, and what cannot be written is found out again. */
export class KernelNotes {
  readonly #file: string;

  /** @param facts all that the notes hold for, besides the kernels' files */
  constructor(folder: 'compiled' | 'tuned', facts: readonly unknown[]) {
    const name = createHash('sha256').update(JSON.stringify([...facts, lastChange()]));
    this.#file = join(dawnlightHome(), folder, `${name.digest('hex').slice(0, 32)}.json`);
  }

  get areThere(): boolean {
    return existsSync(this.#file);
  }

  /** undefined where there is no file, or none that is whole. */
  read(): unknown {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as unknown;
    } catch {
      return undefined;
    }
  }

  write(notes: unknown): void {
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      const written = `${this.#file}.${process.pid}`;
      writeFileSync(written, `${JSON.stringify(notes)}\n`);
      renameSync(written, this.#file);
    } catch {
      // The folder cannot be written.
    }
  }
}

/** Of the kernels' files. */
function lastChange(): number {
  const folder = fileURLToPath(new URL('../../kernels', import.meta.url));
  const files = readdirSync(folder, { recursive: true }) as string[];
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs));
}
