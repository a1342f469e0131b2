/** Runs the parts of a bench one after the other within a time limit; what is known is on disk after each. */
import { writeFileSync } from 'node:fs';

export interface StageResults {
  readonly results: Record<string, unknown>;
  /** Stages that threw, each with its message. */
  readonly errors: string[];
  /** Stages for which there was no time left. */
  readonly skipped: string[];
}

export class Stages implements StageResults {
  readonly results: Record<string, unknown> = {};
  readonly errors: string[] = [];
  readonly skipped: string[] = [];
  readonly #begin = performance.now();
  readonly #limitMs: number;
  readonly #file: string | undefined;

  constructor(limitMs: number, file: string | undefined) {
    this.#limitMs = limitMs;
    this.#file = file;
  }

  /** Milliseconds until the limit. */
  left(): number {
    return this.#begin + this.#limitMs - performance.now();
  }

  /** @param expectedMs skipped when less than this is left */
  async run<T>(name: string, work: () => Promise<T>, expectedMs = 10_000): Promise<T | undefined> {
    if (this.left() < expectedMs) {
      this.skipped.push(name);
      console.log(`${name}: skipped, out of time`);
      return undefined;
    }
    const start = performance.now();
    try {
      const result = await work();
      this.results[name] = result;
      console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
      return result;
    } catch (error) {
      this.errors.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      console.log(this.errors.at(-1));
      return undefined;
    } finally {
      this.save();
    }
  }

  /** Everything so far, into the results file. */
  save(): void {
    const { results, errors, skipped } = this;
    const seconds = Math.round((performance.now() - this.#begin) / 1000);
    if (this.#file) writeFileSync(this.#file, `${JSON.stringify({ ...results, errors, skipped, seconds }, null, 1)}\n`);
  }
}
